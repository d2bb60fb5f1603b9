//! Waiting for a condition.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// The limit of a wait, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits until the condition holds, and fails after the limit.
pub(crate) async fn wait_until(mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LIMIT, "timed out");
        sleep(Duration::from_millis(5)).await;
    }
}
