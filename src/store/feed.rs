//! The feed: a transaction appends its changes of accounts as its last step, and every node reads them.

use entity::{
    SessionId, Timestamp, UserId,
    feed::{self, Kind, lane_of},
    feed_head,
    session::EndReason,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::{Store, database::Connection};

/// A change of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A session was ended before it expired.
    SessionEnded(SessionId, EndReason),
    /// The user's row changed.
    UserChanged,
}

/// A range of a lane: the positions greater than `after`, up to and including `head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedRange {
    /// The lane.
    pub lane: i32,
    /// The last position already read.
    pub after: i64,
    /// The last position to read.
    pub head: i64,
}

impl Store {
    /// The last position of every lane.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_heads(&self) -> Result<Vec<feed_head::Model>, DbErr> {
        self.feed.all(feed_head::Entity::find()).await
    }

    /// The rows of some ranges of the feed, in the order of lane and position. If there are fewer rows than positions
    /// in the ranges, the missing ones were pruned.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_read(&self, ranges: &[FeedRange]) -> Result<Vec<feed::Model>, DbErr> {
        let in_range = |range: &FeedRange| {
            Condition::all()
                .add(feed::Column::Lane.eq(range.lane))
                .add(feed::Column::Position.gt(range.after))
                .add(feed::Column::Position.lte(range.head))
        };
        let any = ranges.iter().map(in_range).fold(Condition::any(), Condition::add);
        let rows = feed::Entity::find().filter(any);
        self.feed.all(rows.order_by_asc(feed::Column::Lane).order_by_asc(feed::Column::Position)).await
    }

    /// Removes up to `limit` rows created before `before`, and returns their number. Several nodes may do so at the
    /// same time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_prune(&self, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
        self.db.run(move |db| feed_prune(db, before, limit)).await
    }
}

async fn feed_prune(db: Connection, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
    let old: Vec<(i32, i64)> = feed::Entity::find()
        .select_only()
        .columns([feed::Column::Lane, feed::Column::Position])
        .filter(feed::Column::CreatedAt.lt(before))
        .order_by_asc(feed::Column::CreatedAt)
        .limit(limit)
        .into_tuple()
        .all(&db)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let key = Expr::tuple([Expr::col(feed::Column::Lane), Expr::col(feed::Column::Position)]);
    Ok(feed::Entity::delete_many().filter(key.in_tuples(old)).exec(&db).await?.rows_affected)
}

/// Appends the changes of one user. This must be the transaction's last step: from here on it holds the lock of the
/// lane's head, and other transactions of the lane wait.
pub(super) async fn feed_append_in(
    tx: &Connection,
    user: UserId,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), DbErr> {
    if changes.is_empty() {
        return Ok(());
    }
    let lane = lane_of(user);
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    feed_head::Entity::update_many()
        .col_expr(feed_head::Column::Position, Expr::col(feed_head::Column::Position).add(count))
        .filter(feed_head::Column::Lane.eq(lane))
        .exec(tx)
        .await?;
    let head = feed_head::Entity::find_by_id(lane).one(tx).await?;
    let head = head.ok_or_else(|| DbErr::RecordNotFound(format!("lane {lane} of the feed")))?.position;
    let rows = changes.iter().zip(head - count + 1..).map(|(change, position)| row(lane, position, user, *change, now));
    feed::Entity::insert_many(rows).exec_without_returning(tx).await.map(drop)
}

/// Appends the changes of several users, in the order of their lanes, so that two such transactions do not deadlock.
pub(super) async fn feed_append_of_users_in(
    tx: &Connection,
    changes: &[(UserId, Vec<Change>)],
    now: Timestamp,
) -> Result<(), DbErr> {
    let mut changes: Vec<_> = changes.iter().collect();
    changes.sort_by_key(|(user, _)| lane_of(*user));
    for (user, changes) in changes {
        feed_append_in(tx, *user, changes, now).await?;
    }
    Ok(())
}

fn row(lane: i32, position: i64, user: UserId, change: Change, now: Timestamp) -> feed::ActiveModel {
    let (kind, session, reason) = match change {
        Change::SessionEnded(session, reason) => (Kind::SessionEnded, Some(session), Some(reason)),
        Change::UserChanged => (Kind::UserChanged, None, None),
    };
    feed::ActiveModel {
        lane: Set(lane),
        position: Set(position),
        user_id: Set(user),
        kind: Set(kind),
        session_id: Set(session),
        end_reason: Set(reason),
        created_at: Set(now),
    }
}

impl From<&feed::Model> for Change {
    fn from(row: &feed::Model) -> Self {
        match (row.kind, row.session_id, row.end_reason) {
            (Kind::SessionEnded, Some(session), Some(reason)) => Self::SessionEnded(session, reason),
            _ => Self::UserChanged,
        }
    }
}
