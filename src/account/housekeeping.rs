//! Background jobs: writes buffered uses of sessions, and removes old rows in small batches. Several nodes may run them
//! at the same time.

use std::time::Duration;

use tokio::time::sleep;

use super::Accounts;
use crate::store::DbErr;

/// How often the buffered uses of sessions are written.
const FLUSH_INTERVAL: Duration = Duration::from_secs(10);

/// How often old rows are removed.
const PURGE_INTERVAL: Duration = Duration::from_mins(1);

/// How often unused pictures are deleted.
const PICTURE_INTERVAL: Duration = Duration::from_mins(1);

/// How often accounts that are due are deleted: within a minute of the announced time, even if the database is slow.
const DELETION_INTERVAL: Duration = Duration::from_secs(20);

/// Maximum number of rows removed by one statement, so that none blocks others for long.
const BATCH: u64 = 500;

/// Pause after a full batch, so that requests have priority.
const PAUSE: Duration = Duration::from_millis(50);

/// Retention of feed rows. A node that has not read the feed for longer invalidates its whole cache.
const FEED_RETENTION: Duration = Duration::from_mins(10);

/// Retention of the events that WeChat pushed: far longer than the signature of a push is valid.
const PUSH_EVENT_RETENTION: Duration = Duration::from_hours(24);

/// How long the result of a content check is awaited: WeChat announces half an hour.
const MEDIA_CHECK_RETENTION: Duration = Duration::from_hours(24);

impl Accounts {
    /// Runs the jobs for as long as it is polled.
    pub async fn run_housekeeping(&self) {
        let flush = async {
            loop {
                sleep(FLUSH_INTERVAL).await;
                if let Err(cause) = self.flush_last_used().await {
                    tracing::warn!(%cause, "the uses of sessions could not be written");
                }
            }
        };
        let purge = async {
            loop {
                sleep(PURGE_INTERVAL).await;
                if let Err(cause) = self.purge_rows().await {
                    tracing::warn!(%cause, "old rows could not be removed");
                }
            }
        };
        // a separate job, because object storage may be slow
        let pictures = async {
            loop {
                sleep(PICTURE_INTERVAL).await;
                if let Err(cause) = self.purge_pictures().await {
                    tracing::warn!(%cause, "unused pictures could not be deleted");
                }
            }
        };
        let delete = async {
            loop {
                if let Err(cause) = self.purge_accounts().await {
                    tracing::warn!(%cause, "accounts that are due could not be deleted");
                }
                sleep(DELETION_INTERVAL).await;
            }
        };
        tokio::join!(flush, purge, pictures, delete);
    }

    /// Removes what has expired from memory, the database and the storage of pictures.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge(&self) -> Result<(), DbErr> {
        self.purge_rows().await?;
        self.purge_pictures().await
    }

    async fn purge_pictures(&self) -> Result<(), DbErr> {
        let now = self.clock.now();
        in_batches(|| self.delete_pictures(now, BATCH)).await.map(drop)
    }

    async fn purge_rows(&self) -> Result<(), DbErr> {
        self.limits.purge();
        let now = self.clock.now();
        self.cache.sweep(now);
        in_batches(|| self.store.code_exchanges_purge(now, BATCH)).await?;
        in_batches(|| self.store.push_events_purge(now - PUSH_EVENT_RETENTION, BATCH)).await?;
        in_batches(|| self.store.media_checks_purge(now - MEDIA_CHECK_RETENTION, BATCH)).await?;
        in_batches(|| self.store.merge_tickets_purge(now, BATCH)).await?;
        in_batches(|| self.store.feed_prune(now - FEED_RETENTION, BATCH)).await?;
        let removed = in_batches(|| self.store.sessions_purge(now - self.sessions.kept, BATCH)).await?;
        if removed > 0 {
            tracing::info!(removed, "old sessions were removed");
        }
        Ok(())
    }
}

/// Runs `batch` until a batch is not full, and returns the total.
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
