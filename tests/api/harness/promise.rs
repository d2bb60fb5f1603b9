//! The promise about sessions that were ended, as tests hold the server to it.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{Answer, Client};

/// How long a session that was ended may still be taken for a living one anywhere.
pub(crate) const BOUND: Duration = Duration::from_secs(1);

/// Asks until the client is refused. No request that begins after the bound may be let in.
pub(crate) async fn until_refused(client: &Client) -> Answer {
    let ended = Instant::now();
    loop {
        let asked = ended.elapsed();
        let answer = client.me().await;
        if answer.body.get("errors").is_some() {
            return answer;
        }
        assert!(asked < BOUND, "let in {asked:?} after the end");
        sleep(Duration::from_millis(5)).await;
    }
}
