//! The only source of time, so that tests can set it.

use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use entity::Timestamp;

/// A source of time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current wall-clock time.
    fn now(&self) -> Timestamp;

    /// The monotonic clock, which nobody can set: for measuring durations only.
    fn steady(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that the components of the server share.
pub type SharedClock = Arc<dyn Clock>;

/// The clocks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}
