//! For how long what the feed has told may be relied on.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use entity::Timestamp;

use crate::clock::Clock;

/// How long a reading of the feed is good for: the promised second, less what a request may still take after it has been
/// let in.
const LEASE: Duration = Duration::from_millis(900);

/// Where the monotonic clock is counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A moment on two clocks.
#[derive(Clone, Copy, Debug)]
pub(in crate::account::session) struct Moment {
    /// Milliseconds since the process began: moves on evenly, but may stand still with the machine.
    steady: i64,
    /// What the clock shows: may be set.
    pub(super) time: Timestamp,
}

impl Moment {
    /// The present moment.
    pub(in crate::account::session) fn of(clock: &dyn Clock) -> Self {
        let steady = clock.steady().saturating_duration_since(*START).as_millis();
        Self { steady: i64::try_from(steady).unwrap_or(i64::MAX), time: clock.now() }
    }
}

/// The lease: when the last reading of the feed began. Its two numbers may be of two readings for a moment; each of them
/// alone is proof enough.
pub(super) struct Lease {
    steady: AtomicI64,
    time: AtomicI64,
}

impl Lease {
    /// Whether it holds at a moment.
    pub(super) fn holds(&self, moment: Moment) -> bool {
        let is_near = |renewed: &AtomicI64, now: i64| {
            u128::from(now.abs_diff(renewed.load(Ordering::Acquire))) < LEASE.as_millis()
        };
        is_near(&self.steady, moment.steady) && is_near(&self.time, moment.time.0)
    }

    /// Renews it with a reading that began at `asked` and is complete.
    pub(super) fn renew(&self, asked: Moment) {
        self.steady.store(asked.steady, Ordering::Release);
        self.time.store(asked.time.0, Ordering::Release);
    }
}

impl Default for Lease {
    /// A lease that never held.
    fn default() -> Self {
        Self { steady: AtomicI64::new(i64::MIN), time: AtomicI64::new(i64::MIN) }
    }
}
