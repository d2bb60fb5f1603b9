//! What is done beside the requests: uses of sessions are written, and what nobody needs any more is removed, a little
//! at a time. Several nodes may do it at once.

use std::time::Duration;

use tokio::time::sleep;

use super::Accounts;
use crate::store::DbErr;

/// How often the uses of sessions are written.
const USES: Duration = Duration::from_secs(10);

/// How often old things are removed.
const TIDY: Duration = Duration::from_mins(1);

/// Rows removed by one statement, so that none holds others up for long.
const BATCH: u64 = 500;

/// Pause after a full batch: requests come first.
const PAUSE: Duration = Duration::from_millis(50);

/// How long the feed is kept. A node that has not read it for longer forgets all it knows.
const FEED_KEPT: Duration = Duration::from_mins(10);

impl Accounts {
    /// Keeps house for as long as it is polled.
    pub async fn keep_house(&self) {
        let uses = async {
            loop {
                sleep(USES).await;
                if let Err(cause) = self.write_uses().await {
                    tracing::warn!(%cause, "the uses of sessions could not be written");
                }
            }
        };
        let tidy = async {
            loop {
                sleep(TIDY).await;
                if let Err(cause) = self.tidy().await {
                    tracing::warn!(%cause, "old rows could not be removed");
                }
            }
        };
        tokio::join!(uses, tidy);
    }

    /// Removes what has outlived its use, here and in the database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tidy(&self) -> Result<(), DbErr> {
        self.limits.tidy();
        let now = self.clock.now();
        self.live.sweep(now);
        in_batches(|| self.store.code_exchanges_purge(now, BATCH)).await?;
        in_batches(|| self.store.feed_prune(now - FEED_KEPT, BATCH)).await?;
        let removed = in_batches(|| self.store.sessions_purge(now - self.sessions.kept, BATCH)).await?;
        if removed > 0 {
            tracing::info!(removed, "old sessions were removed");
        }
        Ok(())
    }
}

/// Runs `batch` until it finds less than there may be.
async fn in_batches<F>(batch: impl Fn() -> F) -> Result<u64, DbErr>
where
    F: Future<Output = Result<u64, DbErr>>,
{
    let mut removed = 0;
    loop {
        let count = batch().await?;
        removed += count;
        if count < BATCH {
            return Ok(removed);
        }
        sleep(PAUSE).await;
    }
}
