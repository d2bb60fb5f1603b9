//! `lastUsedAt`: the time at which a session last authenticated a request, with a precision of about a minute. Uses are
//! buffered in memory and written in batches, so that no request waits for the write or fails because of it.

use std::{
    collections::HashSet,
    mem::take,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use entity::{SessionId, Timestamp};

use crate::{account::Accounts, store::DbErr};

/// The precision of `last_used_at`: it is written at most once in this time.
const PRECISION: Duration = Duration::from_mins(1);

/// Maximum number of sessions written by one statement.
const BATCH: usize = 500;

/// Capacity of the buffer, in sessions. It only fills up while the database is unavailable; further uses are then
/// dropped.
const CAPACITY: usize = 100_000;

/// The sessions used since the last write.
#[derive(Debug, Default)]
pub(in crate::account) struct LastUsedBuffer(Mutex<HashSet<SessionId>>);

/// The time at which a cached session was last recorded as used.
#[derive(Debug)]
pub(super) struct LastUsed(AtomicI64);

impl LastUsed {
    pub(super) fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Advances the time to `now` if it is older than the precision, and returns whether it did.
    fn advance(&self, now: Timestamp) -> bool {
        let recorded = self.0.load(Ordering::Relaxed);
        let is_due = now.since(Timestamp(recorded)) >= PRECISION;
        is_due && self.0.compare_exchange(recorded, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl LastUsedBuffer {
    fn lock(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, sessions: &[SessionId]) {
        let mut waiting = self.lock();
        let room = CAPACITY.saturating_sub(waiting.len());
        waiting.extend(sessions.iter().take(room));
    }
}

impl Accounts {
    /// Records the use of a session that was last recorded at `last_used`.
    pub(super) fn record_use(&self, session: SessionId, last_used: &LastUsed) {
        if last_used.advance(self.clock.now()) {
            self.last_used.add(&[session]);
        }
    }

    /// Writes the buffered uses. Called every few seconds, and before the server stops.
    ///
    /// # Errors
    /// When the database fails. Uses that were not written remain buffered.
    pub async fn flush_last_used(&self) -> Result<(), DbErr> {
        let mut used: Vec<SessionId> = take(&mut *self.last_used.lock()).into_iter().collect();
        // one order of locks, so that two nodes do not deadlock
        used.sort_unstable();
        let now = self.clock.now();
        for (done, batch) in used.chunks(BATCH).enumerate() {
            if let Err(cause) = self.store.sessions_touch(batch, now).await {
                self.last_used.add(&used[done * BATCH..]);
                return Err(cause);
            }
        }
        Ok(())
    }
}
