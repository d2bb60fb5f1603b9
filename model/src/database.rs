//! The database: sessions, the transactions that end them, and one lane of the feed.

use crate::{BrokenRule, LEASE, SESSIONS};

/// The progress of ending a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Ending {
    /// The session is live.
    #[default]
    None,
    /// A transaction has taken this position of the feed, and has not committed.
    Open { position: u8 },
    /// The transaction has committed.
    Committed { at: u8, is_invalidated: bool },
}

/// The committed state, and the open transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Database {
    pub(crate) endings: [Ending; SESSIONS],
    /// The visible head of the lane.
    pub(crate) head: u8,
    /// The visible rows: the ended session at each position, or `None` if the row is pruned.
    rows: [Option<usize>; SESSIONS],
    last_position: u8,
    /// Whether a replica that was behind has replaced it.
    pub(crate) is_replaced: bool,
}

impl Database {
    /// Whether a transaction can take the next position: another open transaction locks the lane.
    pub(crate) fn may_open(&self, session: usize, broken: Option<BrokenRule>) -> bool {
        let is_locked = self.endings.iter().any(|ending| matches!(ending, Ending::Open { .. }));
        self.endings[session] == Ending::None && (!is_locked || broken == Some(BrokenRule::PositionsOutOfOrder))
    }

    pub(crate) fn open(&mut self, session: usize) {
        self.last_position += 1;
        self.endings[session] = Ending::Open { position: self.last_position };
    }

    /// Commits: readers see the end, its row, and the head if it is higher than before.
    pub(crate) fn commit(&mut self, session: usize, at: u8) {
        let Ending::Open { position } = self.endings[session] else { return };
        self.rows[usize::from(position) - 1] = Some(session);
        self.head = self.head.max(position);
        self.endings[session] = Ending::Committed { at, is_invalidated: false };
    }

    /// The index of the oldest row.
    pub(crate) fn oldest_row(&self) -> Option<usize> {
        self.rows.iter().position(Option::is_some)
    }

    pub(crate) fn prune(&mut self, row: usize) {
        self.rows[row] = None;
    }

    /// The sessions that ended after position `after`, up to `head`; `None` if rows are missing or the head went back.
    pub(crate) fn unread(&self, after: u8, head: u8, broken: Option<BrokenRule>) -> Option<[bool; SESSIONS]> {
        let range = self.rows.get(after.into()..head.into())?;
        let mut ended = [false; SESSIONS];
        range.iter().flatten().for_each(|session| ended[*session] = true);
        let is_complete = range.iter().all(Option::is_some) || broken == Some(BrokenRule::GapsNotNoticed);
        is_complete.then_some(ended)
    }

    /// A replica without the newest row takes over: the session that ended last is live again, and open transactions
    /// are rolled back.
    pub(crate) fn replace(&mut self) {
        let open = |ending: &&mut Ending| matches!(ending, Ending::Open { .. });
        self.endings.iter_mut().filter(open).for_each(|ending| *ending = Ending::None);
        let newest = self.head.checked_sub(1).and_then(|before| self.rows[usize::from(before)].take());
        if let Some(session) = newest {
            self.head -= 1;
            self.endings[session] = Ending::None;
        }
        (self.last_position, self.is_replaced) = (self.head, true);
    }

    /// Merges states that differ only in the times of ends that are older than the bound for every request. `began` is
    /// the start of the oldest request.
    pub(crate) fn normalise(&mut self, began: u8) {
        for ending in &mut self.endings {
            if let Ending::Committed { at, .. } = ending
                && began >= *at + LEASE
            {
                *at = 0;
            }
        }
    }

    pub(crate) fn is_live(&self, session: usize) -> bool {
        !matches!(self.endings[session], Ending::Committed { .. })
    }
}
