//! A server: its cache, how far it has read the feed, and its requests in progress.

mod request;

pub(crate) use request::{Caller, Request};

use crate::{LEASE, SESSIONS};

/// A time in the past, before all leases.
pub(crate) const LONG_AGO: u8 = u8::MAX / 2;

/// The progress of a read of the feed, which began at `began`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Tail {
    /// No read is in progress.
    #[default]
    Idle,
    Began {
        began: u8,
    },
    /// The head was read.
    Head {
        began: u8,
        head: u8,
    },
    /// The ended sessions were read; `None` if everything must be invalidated. `is_renewed` is set early only if that
    /// rule is broken.
    Rows {
        began: u8,
        head: u8,
        ended: Option<[bool; SESSIONS]>,
        is_renewed: bool,
    },
    /// The ended sessions were invalidated.
    Invalidated {
        began: u8,
    },
}

impl Tail {
    fn began(&mut self) -> Option<&mut u8> {
        match self {
            Self::Idle => None,
            Self::Began { began }
            | Self::Head { began, .. }
            | Self::Rows { began, .. }
            | Self::Invalidated { began } => Some(began),
        }
    }
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// The position up to which the feed was read.
    pub(crate) read: Option<u8>,
    pub(crate) tail: Tail,
    /// When the last complete read began.
    pub(crate) lease: u8,
    /// The sessions with a valid cache entry. Marked entries are not counted.
    pub(crate) cached: [bool; SESSIONS],
    /// The sessions that the server knows to be ended. Only the properties use it.
    pub(crate) known_ended: [bool; SESSIONS],
    pub(crate) requests: Vec<Request>,
}

impl Node {
    pub(crate) fn new(requests: usize) -> Self {
        let requests = vec![Request::None; requests];
        let (cached, known_ended) = ([false; SESSIONS], [false; SESSIONS]);
        Self { read: None, tail: Tail::Idle, lease: LONG_AGO, cached, known_ended, requests }
    }

    pub(crate) fn holds_lease(&self, at: u8) -> bool {
        at.abs_diff(self.lease) < LEASE
    }

    /// The start of the oldest request that may be admitted from the cache, or `now`.
    pub(crate) fn oldest_request(&self, now: u8) -> u8 {
        self.requests.iter().filter_map(Request::start_if_relevant).fold(now, u8::min)
    }

    /// Merges states that differ only in the order of requests, or in how long ago a lease expired.
    pub(crate) fn normalise(&mut self, now: u8) {
        let oldest = self.oldest_request(now);
        // expired for all requests that are in progress or begin later
        let is_expired = |renewed: u8| oldest >= renewed + LEASE;
        if is_expired(self.lease) {
            self.lease = LONG_AGO;
        }
        if let Some(began) = self.tail.began().filter(|began| is_expired(**began)) {
            *began = LONG_AGO;
        }
        self.requests.sort_unstable();
    }

    /// Marks the entries of a session, and voids all fill guards.
    pub(crate) fn invalidate(&mut self, session: usize) {
        self.cached[session] = false;
        self.requests.iter_mut().for_each(|request| request.invalidate(session));
    }

    /// Notes that the session is live again, because the database lost its end.
    pub(crate) fn revive(&mut self, session: usize) {
        self.known_ended[session] = false;
        let callers = self.requests.iter_mut().filter_map(Request::caller).filter(|caller| caller.session == session);
        callers.for_each(|caller| caller.is_known_ended = false);
    }

    pub(crate) fn invalidate_all(&mut self) {
        (0..SESSIONS).for_each(|session| self.invalidate(session));
    }
}
