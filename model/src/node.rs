//! A server: what it remembers, how far it has read the feed, and what its requests are about.

mod request;

pub(crate) use request::{Caller, Request};

use crate::{LEASE, SESSIONS};

/// A time so far from the others that it does not matter which.
pub(crate) const LONG_AGO: u8 = u8::MAX / 2;

/// A reading of the feed, which begins at `asked`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Tail {
    /// Between two readings.
    #[default]
    Rests,
    Asked {
        asked: u8,
    },
    /// It was told the head.
    Head {
        asked: u8,
        head: u8,
    },
    /// It was told whose ends are new; `None` where it has to forget everything. The lease may be renewed already, if
    /// that is what is wrong.
    News {
        asked: u8,
        head: u8,
        named: Option<[bool; SESSIONS]>,
        is_renewed: bool,
    },
    /// It has forgotten what it was told of.
    Forgotten {
        asked: u8,
    },
}

impl Tail {
    fn asked(&mut self) -> Option<&mut u8> {
        match self {
            Self::Rests => None,
            Self::Asked { asked } | Self::Head { asked, .. } | Self::News { asked, .. } | Self::Forgotten { asked } => {
                Some(asked)
            }
        }
    }
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// How far the feed was read.
    pub(crate) read: Option<u8>,
    pub(crate) tail: Tail,
    /// When the last complete reading began.
    pub(crate) lease: u8,
    /// The sessions it has a good entry for. One that is marked is as good as none.
    pub(crate) holds: [bool; SESSIONS],
    /// The sessions it knows to be over. Nothing it does depends on that.
    pub(crate) barred: [bool; SESSIONS],
    pub(crate) requests: Vec<Request>,
}

impl Node {
    pub(crate) fn new(requests: usize) -> Self {
        let requests = vec![Request::None; requests];
        let (holds, barred) = ([false; SESSIONS], [false; SESSIONS]);
        Self { read: None, tail: Tail::Rests, lease: LONG_AGO, holds, barred, requests }
    }

    pub(crate) fn holds_lease(&self, at: u8) -> bool {
        at.abs_diff(self.lease) < LEASE
    }

    /// When the oldest of its requests began that is to be let in from memory, or the next one will begin.
    pub(crate) fn oldest(&self, now: u8) -> u8 {
        self.requests.iter().filter_map(Request::may_be_let_in).fold(now, u8::min)
    }

    /// Makes one of what makes no difference: which request is which, and how long ago a lease was over.
    pub(crate) fn tidy(&mut self, now: u8) {
        let began = self.oldest(now);
        // whoever began then, or begins later, finds these leases over
        let is_over = |renewed: u8| began >= renewed + LEASE;
        if is_over(self.lease) {
            self.lease = LONG_AGO;
        }
        if let Some(asked) = self.tail.asked().filter(|asked| is_over(**asked)) {
            *asked = LONG_AGO;
        }
        self.requests.sort_unstable();
    }

    /// Marks the entries of a session, and makes all tickets void.
    pub(crate) fn forget(&mut self, session: usize) {
        self.holds[session] = false;
        self.requests.iter_mut().for_each(|request| request.forget(session));
    }

    /// The session lives after all.
    pub(crate) fn acquit(&mut self, session: usize) {
        self.barred[session] = false;
        let callers = self.requests.iter_mut().filter_map(Request::caller).filter(|caller| caller.session == session);
        callers.for_each(|caller| caller.is_barred = false);
    }

    pub(crate) fn forget_all(&mut self) {
        (0..SESSIONS).for_each(|session| self.forget(session));
    }
}
