//! Sessions: read, refreshed, listed, ended.

use std::collections::HashMap;

use entity::{
    SessionId, Timestamp, UserId,
    session::{self, EndReason, live},
    user,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Expr, IntoCondition},
};

use super::{
    Store,
    batch::{Batches, padded, read},
    connections::Connections,
    feed::{Change, feed_append_in},
};

/// Which part of a list is wanted: the `limit` rows that follow `after`, or the `limit` rows that precede `before`.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Only rows behind this one.
    pub after: Option<SessionId>,
    /// Only rows ahead of this one.
    pub before: Option<SessionId>,
    /// How many rows at the most.
    pub limit: u64,
    /// Count from the end of the list.
    pub from_end: bool,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// Whether the list goes on beyond them, in the direction asked for.
    pub more: bool,
}

/// A session with its user, where there is one.
pub(super) type WithUser = Option<(session::Model, user::Model)>;

/// Reads sessions, all that are asked for at the same time by one query.
pub(super) fn batches(db: &Connections) -> Batches<SessionId, WithUser> {
    let db = db.clone();
    Batches::new(move |ids| Box::pin(with_users(db.clone(), ids)))
}

async fn with_users(db: Connections, ids: Vec<SessionId>) -> Result<Vec<WithUser>, DbErr> {
    let found = session::Entity::find().filter(session::Column::Id.is_in(padded(ids.clone())));
    let found = found.find_also_related(user::Entity);
    let found = read(|| found.clone().all(&db)).await?;
    let found: HashMap<_, _> = found.into_iter().map(|(session, user)| (session.id, (session, user))).collect();
    let of = |id| found.get(&id).and_then(|(session, user)| Some((session.clone(), user.clone()?)));
    Ok(ids.into_iter().map(of).collect())
}

impl Store {
    /// A session with its user, by one indexed read, which serves all who ask at the same time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_with_user(&self, id: SessionId) -> Result<WithUser, DbErr> {
        self.batches.sessions.ask(id).await
    }

    /// A live session, where it belongs to `owner`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_of(
        &self,
        owner: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<session::Model>, DbErr> {
        let found = session::Entity::find_by_id(id).filter(session::Column::UserId.eq(owner));
        found.filter(live(now)).one(&self.db).await
    }

    /// A part of a user's live sessions, newest first. Keys are in order of time, so a key is a position in the list:
    /// the page is read off the index however long the list is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_of(
        &self,
        owner: UserId,
        window: Window,
        now: Timestamp,
    ) -> Result<Page<session::Model>, DbErr> {
        let key = session::Column::Id;
        let position = Condition::all()
            .add_option(window.after.map(|id| key.lt(id)))
            .add_option(window.before.map(|id| key.gt(id)));
        let select = session::Entity::find()
            .filter(session::Column::UserId.eq(owner))
            .filter(live(now))
            .filter(position)
            .limit(window.limit + 1);
        let ordered = if window.from_end { select.order_by_asc(key) } else { select.order_by_desc(key) };
        let mut rows = ordered.all(&self.db).await?;
        let more = rows.len() as u64 > window.limit;
        rows.truncate(usize::try_from(window.limit).unwrap_or(usize::MAX));
        if window.from_end {
            rows.reverse();
        }
        Ok(Page { rows, more })
    }

    /// How many live sessions a user has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_count_of(&self, owner: UserId, now: Timestamp) -> Result<u64, DbErr> {
        let found = session::Entity::find().filter(session::Column::UserId.eq(owner));
        found.filter(live(now)).count(&self.db).await
    }

    /// Moves a session from one generation of its refresh token to the next and gives it until `expires_at`. Of many
    /// that try at once the database lets one through: the answer tells whether it was this one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_advance(
        &self,
        session: &session::Model,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, DbErr> {
        let update = session::Entity::update_many()
            .col_expr(session::Column::RefreshGeneration, Expr::value(session.refresh_generation + 1))
            .col_expr(session::Column::ExpiresAt, Expr::value(expires_at))
            .col_expr(session::Column::LastUsedAt, Expr::value(now))
            .filter(session::Column::Id.eq(session.id))
            .filter(session::Column::RefreshGeneration.eq(session.refresh_generation))
            .filter(live(now));
        Ok(update.exec(&self.db).await?.rows_affected == 1)
    }

    /// Notes that sessions were used, all by one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_touch(&self, ids: &[SessionId], now: Timestamp) -> Result<(), DbErr> {
        let update = session::Entity::update_many()
            .col_expr(session::Column::LastUsedAt, Expr::value(now))
            .filter(session::Column::Id.is_in(ids.iter().copied()))
            .filter(session::Column::LastUsedAt.lt(now));
        update.exec(&self.db).await.map(drop)
    }

    /// Ends a session of `owner`, unless it has ended. The answer tells whether this call did it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_end(
        &self,
        owner: UserId,
        id: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, DbErr> {
        let ended = self.end(owner, session::Column::Id.eq(id).into_condition(), reason, now).await?;
        Ok(!ended.is_empty())
    }

    /// Ends all live sessions of a user but `kept`, and tells which those were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_end_of(
        &self,
        owner: UserId,
        kept: Option<SessionId>,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, DbErr> {
        let others = Condition::all().add_option(kept.map(|id| session::Column::Id.ne(id)));
        self.end(owner, others, reason, now).await
    }

    async fn end(
        &self,
        owner: UserId,
        which: Condition,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, DbErr> {
        self.retried(|| self.end_once(owner, which.clone(), reason, now)).await
    }

    async fn end_once(
        &self,
        owner: UserId,
        which: Condition,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, DbErr> {
        let tx = self.begin().await?;
        let ended = sessions_end_in(&tx, owner, which, reason, now).await?;
        feed_append_in(&tx, owner, &endings(&ended, reason), now).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Removes up to `limit` sessions that expired or were ended before `before`, and tells how many those were. Several
    /// nodes may do so at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_purge(&self, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
        let mut removed = 0;
        // one index each: a condition on both would read neither
        for column in [session::Column::ExpiresAt, session::Column::EndedAt] {
            let old = session::Entity::find().select_only().column(session::Column::Id).filter(column.lt(before));
            let mut old: Vec<SessionId> = old.order_by_asc(column).limit(limit).into_tuple().all(&self.db).await?;
            // in one order, so that two nodes never wait for each other
            old.sort_unstable();
            if !old.is_empty() {
                let delete = session::Entity::delete_many().filter(session::Column::Id.is_in(old));
                removed += delete.filter(column.lt(before)).exec(&self.db).await?.rows_affected;
            }
        }
        Ok(removed)
    }
}

/// Ends the live sessions of `owner` that `which` names, each only once, and tells which those were. The feed is for the
/// caller to fill, as the last step of the transaction.
pub(super) async fn sessions_end_in(
    tx: &DatabaseTransaction,
    owner: UserId,
    which: Condition,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<SessionId>, DbErr> {
    let ended = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .col_expr(session::Column::EndReason, Expr::value(reason.to_value()))
        .filter(session::Column::UserId.eq(owner))
        .filter(which)
        .filter(live(now))
        .exec(tx)
        .await?;
    if ended.rows_affected == 0 {
        return Ok(Vec::new());
    }
    // perhaps with some that were ended in the same millisecond for the same reason: told twice, they are no less ended
    let ended = session::Entity::find().select_only().column(session::Column::Id);
    ended
        .filter(session::Column::UserId.eq(owner))
        .filter(session::Column::EndedAt.eq(now))
        .filter(session::Column::EndReason.eq(reason))
        .into_tuple()
        .all(tx)
        .await
}

/// The endings as the feed tells them.
pub(super) fn endings(ended: &[SessionId], reason: EndReason) -> Vec<Change> {
    ended.iter().map(|id| Change::SessionEnded(*id, reason)).collect()
}
