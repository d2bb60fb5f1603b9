//! Follows the feed: hears what other nodes have done to accounts, and forgets what is not so any more.

use std::{collections::BTreeMap, time::Duration};

use entity::{UserId, feed, feed::LANES, feed_head};
use tokio::time::{sleep, timeout};

use super::{Accounts, live::Moment};
use crate::store::{Change, DbErr, Stretch};

/// How often the feed is read: several times within the lease, so that one late answer does no harm.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long one reading may take before the connection is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// With more news than this, forgetting everything is quicker.
const BACKLOG: i64 = 10_000;

/// How far the feed has been read, by lane.
#[derive(Debug, Default)]
struct Read(BTreeMap<i32, i64>);

impl Read {
    /// What is new up to `heads`; `None` where it cannot be told, or is too much.
    fn behind(&self, heads: &[feed_head::Model]) -> Option<Vec<Stretch>> {
        let mut news = Vec::new();
        for &feed_head::Model { lane, position: head } in heads {
            let after = *self.0.get(&lane)?;
            // a head that went back belongs to another database, such as a backup that was restored
            if head < after || head - after > BACKLOG {
                return None;
            }
            if head > after {
                news.push(Stretch { lane, after, head });
            }
        }
        Some(news)
    }

    fn up_to(heads: &[feed_head::Model]) -> Self {
        Self(heads.iter().map(|head| (head.lane, head.position)).collect())
    }
}

impl Accounts {
    /// Follows the feed for as long as it is polled. Without it nothing is remembered, and each request asks the
    /// database.
    pub async fn follow(&self) {
        let (mut read, mut is_away) = (Read::default(), false);
        loop {
            self.live.is_wanted().await;
            let outcome = timeout(PATIENCE, self.catch_up(&mut read)).await;
            let failed = match outcome {
                Ok(Ok(())) => None,
                Ok(Err(cause)) => Some(cause.to_string()),
                Err(late) => Some(late.to_string()),
            };
            if failed.is_some() {
                // the database may come back as one that never heard of the last rows, and has others in their places
                read = Read::default();
            }
            report(&mut is_away, failed.as_deref());
            sleep(INTERVAL).await;
        }
    }

    /// Reads the feed to its end once.
    async fn catch_up(&self, read: &mut Read) -> Result<(), DbErr> {
        let asked = Moment::of(self.clock.as_ref());
        let heads = self.store.feed_heads().await?;
        if i32::try_from(heads.len()) != Ok(LANES) {
            return Err(DbErr::RecordNotFound("all lanes of the feed".to_owned()));
        }
        let news = match read.behind(&heads) {
            Some(stretches) => self.news_of(&stretches).await?,
            None => None,
        };
        match news {
            Some(rows) => rows.iter().for_each(|row| self.heed(row.user_id, row.into())),
            None => self.live.forget_all(),
        }
        *read = Read::up_to(&heads);
        self.live.renew(asked);
        Ok(())
    }

    /// The rows of some stretches; `None` where there are not as many as there should be, because they were too old.
    async fn news_of(&self, stretches: &[Stretch]) -> Result<Option<Vec<feed::Model>>, DbErr> {
        if stretches.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let rows = self.store.feed_read(stretches).await?;
        let expected: i64 = stretches.iter().map(|stretch| stretch.head - stretch.after).sum();
        Ok((i64::try_from(rows.len()) == Ok(expected)).then_some(rows))
    }

    /// Forgets what a change has made untrue. Called for the feed's rows, and by whoever made the change: on the same
    /// node it counts at once.
    pub(super) fn heed(&self, user: UserId, change: Change) {
        match change {
            Change::SessionEnded(session, _) => self.live.forget(user, Some(session)),
            Change::UserChanged => self.live.forget(user, None),
        }
    }
}

/// Tells the log when the feed is lost and when it is found again.
fn report(is_away: &mut bool, failed: Option<&str>) {
    match (failed, *is_away) {
        (Some(cause), false) => {
            tracing::warn!(cause, "the feed cannot be read: every request asks the database");
        }
        (None, true) => tracing::info!("the feed is read again"),
        _ => {}
    }
    *is_away = failed.is_some();
}
