//! Asserts the defect of sqlx that `Connection::release` works around. If this test fails, sqlx has fixed it: then
//! remove the time limit in `release`, and the batcher's reason to keep its connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use sea_orm::sqlx::{SqlitePool, query, sqlite::SqlitePoolOptions};
use tokio::time::timeout;

/// Longer than any ping that is not stuck takes.
const WHILE: Duration = Duration::from_millis(300);

async fn pool() -> SqlitePool {
    SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap()
}

#[tokio::test]
async fn sqlx_still_pings_on_release_without_a_time_limit() {
    let mut connection = pool().await.acquire().await.unwrap();
    let is_stuck = Arc::new(AtomicBool::new(true));
    let stuck = Arc::clone(&is_stuck);
    connection.lock_handle().await.unwrap().set_progress_handler(1, move || {
        while stuck.load(SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        true
    });
    // the statement is cancelled, and its connection does not answer any more
    assert!(timeout(WHILE / 10, query("SELECT 1").execute(&mut *connection)).await.is_err());
    let release = timeout(WHILE, connection.return_to_pool()).await;
    is_stuck.store(false, SeqCst);
    assert!(release.is_err(), "sqlx no longer waits for a ping on release (transact-rs/sqlx#4349)");
}
