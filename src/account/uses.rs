//! When sessions were last used: gathered in memory, written in batches. A request never waits for that, and does not
//! fail because it does.

use std::{
    collections::HashSet,
    mem::take,
    sync::{Mutex, MutexGuard, PoisonError},
};

use entity::SessionId;

use super::{Accounts, SignedIn};
use crate::store::DbErr;

/// Sessions written by one statement.
const BATCH: usize = 500;

/// Most sessions that wait to be written. While the database is away there may be more; theirs is lost.
const WAITING: usize = 100_000;

/// The sessions used since the last time they were written.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<HashSet<SessionId>>);

impl Uses {
    fn lock(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, sessions: &[SessionId]) {
        let mut waiting = self.lock();
        let room = WAITING.saturating_sub(waiting.len());
        waiting.extend(sessions.iter().take(room));
    }
}

impl Accounts {
    /// Notes that the caller's session was used, once in a while.
    pub(super) fn note_use(&self, caller: &SignedIn) {
        if caller.is_use_worth_noting(self.clock.now()) {
            self.uses.add(&[caller.session]);
        }
    }

    /// Writes down which sessions were used. To be called every few seconds, and at the end.
    ///
    /// # Errors
    /// When the database fails; what it did not take is tried again the next time.
    pub async fn write_uses(&self) -> Result<(), DbErr> {
        let mut used: Vec<SessionId> = take(&mut *self.uses.lock()).into_iter().collect();
        // in one order, so that two nodes never wait for each other
        used.sort_unstable();
        let now = self.clock.now();
        for (done, batch) in used.chunks(BATCH).enumerate() {
            if let Err(cause) = self.store.sessions_touch(batch, now).await {
                self.uses.add(&used[done * BATCH..]);
                return Err(cause);
            }
        }
        Ok(())
    }
}
