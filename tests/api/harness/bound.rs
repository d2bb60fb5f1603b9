//! The guarantee that every server refuses an ended session within a second.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{ApiResponse, Client};

/// How long a server may still accept a session after its end.
pub(crate) const BOUND: Duration = Duration::from_secs(1);

/// Repeats `me` until the client is refused. No request that begins after the bound may succeed.
pub(crate) async fn wait_until_refused(client: &Client) -> ApiResponse {
    let ended = Instant::now();
    loop {
        let began = ended.elapsed();
        let answer = client.me().await;
        if answer.body.get("errors").is_some() {
            return answer;
        }
        assert!(began < BOUND, "admitted {began:?} after the end");
        sleep(Duration::from_millis(5)).await;
    }
}
