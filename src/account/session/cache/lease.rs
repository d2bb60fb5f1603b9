//! The lease: how long cached entries may be served after a read of the feed.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use entity::Timestamp;

use crate::clock::Clock;

/// The duration of a lease: the promised second, minus the time that an accepted request may still take.
const LEASE: Duration = Duration::from_millis(900);

/// The origin of the monotonic clock.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A point in time on both clocks.
#[derive(Clone, Copy, Debug)]
pub(in crate::account::session) struct Moment {
    /// The monotonic clock in milliseconds since `START`. It may stop while the machine is suspended.
    steady: i64,
    /// The wall clock, which may be set.
    pub(super) time: Timestamp,
}

impl Moment {
    /// The current time.
    pub(in crate::account::session) fn of(clock: &dyn Clock) -> Self {
        let steady = clock.steady().saturating_duration_since(*START).as_millis();
        Self { steady: i64::try_from(steady).unwrap_or(i64::MAX), time: clock.now() }
    }
}

/// The start of the last complete read of the feed. For a moment the two numbers may belong to two reads; each of them
/// alone is valid.
pub(super) struct Lease {
    steady: AtomicI64,
    time: AtomicI64,
}

impl Lease {
    /// Whether the lease holds at a moment.
    pub(super) fn holds(&self, moment: Moment) -> bool {
        let is_near = |renewed: &AtomicI64, now: i64| {
            u128::from(now.abs_diff(renewed.load(Ordering::Acquire))) < LEASE.as_millis()
        };
        is_near(&self.steady, moment.steady) && is_near(&self.time, moment.time.0)
    }

    /// Renews the lease after a complete read that began at `began`.
    pub(super) fn renew(&self, began: Moment) {
        self.steady.store(began.steady, Ordering::Release);
        self.time.store(began.time.0, Ordering::Release);
    }
}

impl Default for Lease {
    /// A lease that has never been renewed.
    fn default() -> Self {
        Self { steady: AtomicI64::new(i64::MIN), time: AtomicI64::new(i64::MIN) }
    }
}
