//! Sessions: read, refreshed, listed, ended.

use entity::{
    SessionId, Timestamp, UserId,
    session::{self, EndReason, live},
    user,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::Store;

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

impl Store {
    /// A session with its user, by one indexed read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_with_user(&self, id: SessionId) -> Result<Option<(session::Model, user::Model)>, DbErr> {
        let found = session::Entity::find_by_id(id).find_also_related(user::Entity).one(&self.db).await?;
        Ok(found.and_then(|(session, user)| Some((session, user?))))
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

    /// Notes that a session was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_touch(&self, id: SessionId, now: Timestamp) -> Result<(), DbErr> {
        let update = session::Entity::update_many()
            .col_expr(session::Column::LastUsedAt, Expr::value(now))
            .filter(session::Column::Id.eq(id))
            .filter(session::Column::LastUsedAt.lt(now));
        update.exec(&self.db).await.map(drop)
    }

    /// Ends a session, unless it has ended. The answer tells whether this call did it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_end(&self, id: SessionId, reason: EndReason, now: Timestamp) -> Result<bool, DbErr> {
        let ended = self.end(Condition::all().add(session::Column::Id.eq(id)), reason, now).await?;
        Ok(ended == 1)
    }

    /// Ends all live sessions of a user but `kept`, and tells how many those were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_end_of(
        &self,
        owner: UserId,
        kept: Option<SessionId>,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<u64, DbErr> {
        let others = Condition::all()
            .add(session::Column::UserId.eq(owner))
            .add_option(kept.map(|id| session::Column::Id.ne(id)));
        self.end(others, reason, now).await
    }

    async fn end(&self, which: Condition, reason: EndReason, now: Timestamp) -> Result<u64, DbErr> {
        Ok(ending(which, reason, now).exec(&self.db).await?.rows_affected)
    }
}

/// The one statement that ends sessions: those of `which` that are live, each only once.
pub(super) fn ending(which: Condition, reason: EndReason, now: Timestamp) -> sea_orm::UpdateMany<session::Entity> {
    session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .col_expr(session::Column::EndReason, Expr::value(reason.to_value()))
        .filter(which)
        .filter(live(now))
}
