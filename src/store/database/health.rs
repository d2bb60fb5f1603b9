//! Decides which idle connections are pinged before they are used. A restart of the database breaks all connections at
//! once, and each one shows it only when it is used.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use sea_orm::{
    DbErr,
    sqlx::{Connection, Error},
};
use tokio::time::timeout;

/// A connection that was idle for longer is pinged before it is used. Under load no connection is, which saves the
/// round trip; without load the round trip does no harm.
const TRUSTED_IDLE: Duration = Duration::from_millis(50);

/// The time limit of a ping. A connection with a silent peer never answers.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// When a connection of a pool last failed.
#[derive(Debug)]
pub(in crate::store) struct Health {
    start: Instant,
    /// Milliseconds after `start`, plus one; 0 means never.
    failed_at: AtomicU64,
}

impl Health {
    /// Records an error: a broken connection makes all connections suspect that are idle at this time.
    pub(super) fn record_error(&self, error: &DbErr) {
        if super::is_lost(error) {
            self.mark_suspect();
        }
    }

    fn mark_suspect(&self) {
        self.failed_at.store(self.now(), Relaxed);
    }

    /// Pings a connection that was idle for `idle`, if it is suspect.
    ///
    /// # Errors
    /// When it does not answer. The pool then opens another one.
    pub(in crate::store) async fn ping_if_suspect(
        &self,
        connection: &mut impl Connection,
        idle: Duration,
    ) -> Result<bool, Error> {
        if idle >= TRUSTED_IDLE || self.is_suspect(idle) {
            timeout(PING_TIMEOUT, connection.ping()).await.map_err(|_| Error::PoolTimedOut)??;
        }
        Ok(true)
    }

    fn is_suspect(&self, idle: Duration) -> bool {
        let failed_at = self.failed_at.load(Relaxed);
        // a needless ping is cheaper than a dead connection: the same millisecond counts as earlier
        failed_at > 0 && idle.as_millis() + 1 >= u128::from(self.now().saturating_sub(failed_at))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { start: Instant::now(), failed_at: AtomicU64::new(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_makes_idle_connections_suspect() {
        let health = Health::default();
        assert!(!health.is_suspect(Duration::from_hours(1)));
        std::thread::sleep(Duration::from_millis(5));
        health.mark_suspect();
        assert!(health.is_suspect(Duration::from_millis(3)));
        std::thread::sleep(Duration::from_millis(20));
        assert!(health.is_suspect(Duration::from_millis(30)));
        assert!(!health.is_suspect(Duration::from_millis(5)));
    }
}
