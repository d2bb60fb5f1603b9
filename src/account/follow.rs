//! Follows the feed: hears what was done to accounts, on this node or another, forgets what is not so any more, and tells
//! those who listen.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use entity::{UserId, feed, feed::LANES, feed_head};
use futures_util::FutureExt;
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
    /// Follows the feed for as long as it is polled. Without it nothing is remembered, each request asks the database,
    /// and nobody who listens hears anything.
    pub async fn follow(&self) {
        let (mut read, mut is_away, mut rested) = (Read::default(), false, false);
        loop {
            rested |= self.rest().await;
            let outcome = timeout(PATIENCE, self.catch_up(&mut read, rested)).await;
            let failed = match outcome {
                Ok(Ok(())) => {
                    rested = false;
                    None
                }
                Ok(Err(cause)) => Some(cause.to_string()),
                Err(late) => Some(late.to_string()),
            };
            report(&mut is_away, failed.as_deref());
            sleep(INTERVAL).await;
        }
    }

    /// Waits until somebody is remembered or listens, and tells whether that was not so at once.
    async fn rest(&self) -> bool {
        let wanted = async {
            tokio::select! {
                () = self.live.is_wanted() => {}
                () = self.events.is_wanted() => {}
            }
        };
        let mut wanted = pin!(wanted);
        let rests = (&mut wanted).now_or_never().is_none();
        if rests {
            wanted.await;
        }
        rests
    }

    /// Reads the feed to its end once. After a rest it may hold what happened before anybody began to listen: they are
    /// told of a gap instead.
    async fn catch_up(&self, read: &mut Read, rested: bool) -> Result<(), DbErr> {
        let asked = Moment::of(self.clock.as_ref());
        let heads = self.store.feed_heads().await?;
        if i32::try_from(heads.len()) != Ok(LANES) {
            return Err(DbErr::RecordNotFound("all lanes of the feed".to_owned()));
        }
        let news = match read.behind(&heads) {
            Some(stretches) => self.news_of(&stretches).await?,
            None => None,
        };
        match &news {
            Some(rows) => rows.iter().for_each(|row| self.heed(row.user_id, row.into())),
            None => self.live.forget_all(),
        }
        match &news {
            Some(rows) if !rested => rows.iter().for_each(|row| self.events.tell(row.user_id, row.into())),
            _ => self.events.tell_of_gap(),
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
