//! The database: sessions that are ended by transactions, and one lane of the feed.

use crate::{Fault, LEASE, SESSIONS};

/// How far the end of a session has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Ending {
    /// It lives.
    #[default]
    None,
    /// A transaction has taken this position of the feed. Nobody sees that yet.
    Open { position: u8 },
    /// The transaction has committed.
    Over { at: u8, is_heeded: bool },
}

/// What everybody sees, and what transactions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Database {
    pub(crate) endings: [Ending; SESSIONS],
    /// The visible head of the lane.
    pub(crate) head: u8,
    /// The visible rows: whose end stands at a position. Old ones are gone.
    rows: [Option<usize>; SESSIONS],
    taken: u8,
    /// Another one, which was a little behind, has taken its place.
    pub(crate) is_replaced: bool,
}

impl Database {
    /// Whether a transaction may take the next position now: another one holds the lane until it is over.
    pub(crate) fn may_open(&self, session: usize, fault: Option<Fault>) -> bool {
        let is_locked = self.endings.iter().any(|ending| matches!(ending, Ending::Open { .. }));
        self.endings[session] == Ending::None && (!is_locked || fault == Some(Fault::PositionsOutOfOrder))
    }

    pub(crate) fn open(&mut self, session: usize) {
        self.taken += 1;
        self.endings[session] = Ending::Open { position: self.taken };
    }

    /// From now on everybody sees the end and its row, and the head where that is now the highest.
    pub(crate) fn commit(&mut self, session: usize, at: u8) {
        let Ending::Open { position } = self.endings[session] else { return };
        self.rows[usize::from(position) - 1] = Some(session);
        self.head = self.head.max(position);
        self.endings[session] = Ending::Over { at, is_heeded: false };
    }

    /// Whether there is an old row to remove.
    pub(crate) fn oldest(&self) -> Option<usize> {
        self.rows.iter().position(Option::is_some)
    }

    pub(crate) fn prune(&mut self, place: usize) {
        self.rows[place] = None;
    }

    /// Whose ends stand behind `after`, up to `head`; `None` where rows are missing, or the head went back.
    pub(crate) fn news(&self, after: u8, head: u8, fault: Option<Fault>) -> Option<[bool; SESSIONS]> {
        let stretch = self.rows.get(after.into()..head.into())?;
        let mut named = [false; SESSIONS];
        stretch.iter().flatten().for_each(|session| named[*session] = true);
        let is_whole = stretch.iter().all(Option::is_some) || fault == Some(Fault::GapsNotNoticed);
        is_whole.then_some(named)
    }

    /// Another one takes over that has not heard of the newest row. Whoever was ended last lives again, and transactions
    /// that were open are undone.
    pub(crate) fn replace(&mut self) {
        let open = |ending: &&mut Ending| matches!(ending, Ending::Open { .. });
        self.endings.iter_mut().filter(open).for_each(|ending| *ending = Ending::None);
        let newest = self.head.checked_sub(1).and_then(|before| self.rows[usize::from(before)].take());
        if let Some(session) = newest {
            self.head -= 1;
            self.endings[session] = Ending::None;
        }
        (self.taken, self.is_replaced) = (self.head, true);
    }

    /// Makes one of all ends that are late for every request: `began` is the oldest of those.
    pub(crate) fn tidy(&mut self, began: u8) {
        for ending in &mut self.endings {
            if let Ending::Over { at, .. } = ending
                && began >= *at + LEASE
            {
                *at = 0;
            }
        }
    }

    pub(crate) fn lives(&self, session: usize) -> bool {
        !matches!(self.endings[session], Ending::Over { .. })
    }
}
