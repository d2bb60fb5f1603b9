//! Tails the feed: reads the changes of all nodes, invalidates the cached sessions they name, and notifies subscribers.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use entity::{feed, feed::LANES, feed_head};
use futures_util::FutureExt;
use tokio::time::{sleep, timeout};

use super::cache::Moment;
use crate::{
    account::Accounts,
    store::{DbErr, FeedRange},
};

/// The interval of reads: several reads within one lease, so that a late one does no harm.
const INTERVAL: Duration = Duration::from_millis(200);

/// The time limit of a read.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of unread rows above which invalidating everything is faster than reading them.
const MAX_BACKLOG: i64 = 10_000;

/// The cursor of a node: the last position read in each lane.
#[derive(Debug, Default)]
struct FeedCursor(BTreeMap<i32, i64>);

impl FeedCursor {
    /// The unread ranges up to `heads`; `None` if they are unknown or too long.
    fn unread(&self, heads: &[feed_head::Model]) -> Option<Vec<FeedRange>> {
        let mut unread = Vec::new();
        for &feed_head::Model { lane, position: head } in heads {
            let after = *self.0.get(&lane)?;
            // a smaller head belongs to another state of the database, such as a restored backup
            if head < after || head - after > MAX_BACKLOG {
                return None;
            }
            if head > after {
                unread.push(FeedRange { lane, after, head });
            }
        }
        Some(unread)
    }

    fn at(heads: &[feed_head::Model]) -> Self {
        Self(heads.iter().map(|head| (head.lane, head.position)).collect())
    }
}

impl Accounts {
    /// Tails the feed for as long as it is polled. Otherwise no cache entry is served, each request reads the database,
    /// and subscribers receive nothing.
    pub async fn tail_feed(&self) {
        let (mut cursor, mut is_unreadable, mut has_paused) = (FeedCursor::default(), false, false);
        loop {
            has_paused |= self.wait_until_needed().await;
            let outcome = timeout(READ_TIMEOUT, self.read_to_end(&mut cursor, has_paused)).await;
            let failed = match outcome {
                Ok(Ok(())) => {
                    has_paused = false;
                    None
                }
                Ok(Err(cause)) => Some(cause.to_string()),
                Err(late) => Some(late.to_string()),
            };
            if failed.is_some() {
                // the database may return without its newest rows, and assign their positions again
                cursor = FeedCursor::default();
            }
            log_transition(&mut is_unreadable, failed.as_deref());
            sleep(INTERVAL).await;
        }
    }

    /// Waits until something is cached or there is a subscriber. Returns whether it had to wait.
    async fn wait_until_needed(&self) -> bool {
        let needed = async {
            tokio::select! {
                () = self.cache.wait_until_needed() => {}
                () = self.events.wait_until_needed() => {}
            }
        };
        let mut needed = pin!(needed);
        let must_wait = (&mut needed).now_or_never().is_none();
        if must_wait {
            needed.await;
        }
        must_wait
    }

    /// Reads the feed to its end once. After a pause, unread rows may be older than a subscription, so subscribers are
    /// notified of a gap instead.
    async fn read_to_end(&self, cursor: &mut FeedCursor, has_paused: bool) -> Result<(), DbErr> {
        let began = Moment::of(self.clock.as_ref());
        let heads = self.store.feed_heads().await?;
        if i32::try_from(heads.len()) != Ok(LANES) {
            return Err(DbErr::RecordNotFound("all lanes of the feed".to_owned()));
        }
        let rows = match cursor.unread(&heads) {
            Some(ranges) => self.read_ranges(&ranges).await?,
            None => None,
        };
        match &rows {
            Some(rows) => rows.iter().for_each(|row| self.invalidate(row.user_id, row.into())),
            None => self.cache.invalidate_all(),
        }
        match &rows {
            Some(rows) if !has_paused => rows.iter().for_each(|row| self.events.publish(row.user_id, row.into())),
            _ => self.events.publish_gap(),
        }
        *cursor = FeedCursor::at(&heads);
        self.cache.renew(began);
        Ok(())
    }

    /// The rows of some ranges; `None` if some are missing, because they were pruned.
    async fn read_ranges(&self, ranges: &[FeedRange]) -> Result<Option<Vec<feed::Model>>, DbErr> {
        if ranges.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let rows = self.store.feed_read(ranges).await?;
        let expected: i64 = ranges.iter().map(|range| range.head - range.after).sum();
        Ok((i64::try_from(rows.len()) == Ok(expected)).then_some(rows))
    }
}

/// Logs when the feed becomes unreadable, and when it is readable again.
fn log_transition(is_unreadable: &mut bool, failed: Option<&str>) {
    match (failed, *is_unreadable) {
        (Some(cause), false) => {
            tracing::warn!(cause, "the feed cannot be read: every request reads the database");
        }
        (None, true) => tracing::info!("the feed is read again"),
        _ => {}
    }
    *is_unreadable = failed.is_some();
}
