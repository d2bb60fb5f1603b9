//! A clock that moves only when a test moves it. Clones share the time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use entity::Timestamp;
use miniaccount::clock::Clock;

/// The clock.
#[derive(Clone, Debug)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock at a whole second in 2026.
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_790_000_000_000)))
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Moves the clock back.
    pub(crate) fn set_back(&self, by: Duration) {
        self.0.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
