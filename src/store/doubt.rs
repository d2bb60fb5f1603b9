//! Doubt about connections. When the database goes away, all of them break at once, but each is noticed only when it is
//! used. So a failure of one puts those that lie idle in doubt, and each is tried once before it is used again.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    DbErr,
    sqlx::{Connection, Error},
};
use tokio::time::timeout;

use super::connect::TRUSTED_IDLE;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// When the database last failed, in milliseconds since `START`.
static FAILED_AT: AtomicU64 = AtomicU64::new(0);

/// The database failed, whatever the reason: that is rare enough to look at all connections. Waiting for one in vain says
/// nothing about those there are.
pub(super) fn raise(cause: &DbErr) {
    if !matches!(cause, DbErr::ConnectionAcquire(_)) {
        FAILED_AT.store(now(), Relaxed);
    }
}

/// How long a connection in doubt may take to answer. One that was cut off without a word never does.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tries a connection that has been idle since before the last failure; the pool replaces it where that fails.
pub(super) async fn settle(connection: &mut impl Connection, idle: Duration) -> Result<bool, Error> {
    if is_in_doubt(idle) {
        timeout(PATIENCE, connection.ping()).await.map_err(|_| Error::PoolTimedOut)??;
    }
    Ok(true)
}

/// Whether a connection that has been idle for so long need not be tried before it is used.
pub(super) fn is_trusted(idle: Duration) -> bool {
    idle < TRUSTED_IDLE && !is_in_doubt(idle)
}

fn is_in_doubt(idle: Duration) -> bool {
    let failed_at = FAILED_AT.load(Relaxed);
    // a connection that is in doubt without reason costs less than one that is trusted without
    failed_at > 0 && idle.as_millis() + 1 >= u128::from(now().saturating_sub(failed_at))
}

/// Never 0, which stands for no failure.
fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}
