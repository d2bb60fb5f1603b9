//! `lastUsedAt`: a session counts as used when a request is authenticated by it, to about a minute. Uses are buffered in
//! memory and written in batches, so that no request waits for the write or fails because of it.

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

/// How exact `last_used_at` is: it is written at most once in this time, not with each request.
const PRECISION: Duration = Duration::from_mins(1);

/// Sessions written by one statement.
const BATCH: usize = 500;

/// Most sessions that wait to be written. Uses beyond that are lost; there are so many only while the database is away.
const CAPACITY: usize = 100_000;

/// The sessions used since the last write.
#[derive(Debug, Default)]
pub(in crate::account) struct LastUsedBuffer(Mutex<HashSet<SessionId>>);

/// When a cached session was last recorded as used.
#[derive(Debug)]
pub(super) struct LastUsed(AtomicI64);

impl LastUsed {
    pub(super) fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Moves it to `now` where it is older than the precision, and tells whether it did.
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
    /// Records that a session was used, which was last recorded at `last_used`.
    pub(super) fn record_use(&self, session: SessionId, last_used: &LastUsed) {
        if last_used.advance(self.clock.now()) {
            self.last_used.add(&[session]);
        }
    }

    /// Writes which sessions were used. To be called every few seconds, and before the server stops.
    ///
    /// # Errors
    /// When the database fails; what was not written is written the next time.
    pub async fn flush_last_used(&self) -> Result<(), DbErr> {
        let mut used: Vec<SessionId> = take(&mut *self.last_used.lock()).into_iter().collect();
        // in one order, so that two nodes never wait for each other
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
