//! Which idle connections are pinged before they are used. A database that restarts breaks all connections at once, and
//! each shows it only when it is used.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use sea_orm::{
    DbErr,
    sqlx::{Connection, Error},
};
use tokio::time::timeout;

/// A connection idle for longer is pinged before it is used. Under load none is, which saves the round trip; without load
/// the round trip does no harm.
const TRUSTED_IDLE: Duration = Duration::from_millis(50);

/// How long a connection may take to answer a ping. One whose peer went silent never answers.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// When the connections of a pool were last seen to fail.
#[derive(Debug)]
pub(in crate::store) struct Health {
    start: Instant,
    /// In milliseconds after `start`, plus one; 0 stands for never.
    failed_at: AtomicU64,
}

impl Health {
    /// Takes note of an error: a connection that broke makes all that lay idle then suspect.
    pub(super) fn note(&self, error: &DbErr) {
        if super::is_lost(error) {
            self.mark_suspect();
        }
    }

    fn mark_suspect(&self) {
        self.failed_at.store(self.now(), Relaxed);
    }

    /// Pings a connection that has been idle for `idle` if it cannot be trusted.
    ///
    /// # Errors
    /// When it does not answer: the pool then opens another one.
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
        // a needless ping is cheaper than a dead connection: the same millisecond counts as before
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
    fn a_failure_makes_connections_suspect_that_were_idle_before_it() {
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
