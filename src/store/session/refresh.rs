//! Advances a session to its next refresh generation, and records its uses.

use entity::{
    SessionId, Timestamp,
    session::{self, live},
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use crate::store::Store;

impl Store {
    /// Advances a session to the next refresh generation, and sets its expiry to `expires_at`. One of several
    /// concurrent calls succeeds; returns whether this one did.
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
            .col_expr(session::Column::RefreshedAt, Expr::value(now))
            .col_expr(session::Column::ExpiresAt, Expr::value(expires_at))
            .col_expr(session::Column::LastUsedAt, Expr::value(now))
            .filter(session::Column::Id.eq(session.id))
            .filter(session::Column::RefreshGeneration.eq(session.refresh_generation))
            .filter(live(now));
        Ok(self.db.write(&update).await? == 1)
    }

    /// Records that an access token of a generation was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_record_used_generation(&self, id: SessionId, generation: i64) -> Result<(), DbErr> {
        let update = session::Entity::update_many()
            .col_expr(session::Column::UsedGeneration, Expr::value(generation))
            .filter(session::Column::Id.eq(id))
            .filter(session::Column::UsedGeneration.lt(generation));
        self.db.write(&update).await.map(drop)
    }

    /// Sets `last_used_at` of sessions, by one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_touch(&self, ids: &[SessionId], now: Timestamp) -> Result<(), DbErr> {
        let update = session::Entity::update_many()
            .col_expr(session::Column::LastUsedAt, Expr::value(now))
            .filter(session::Column::Id.is_in(ids.iter().copied()))
            .filter(session::Column::LastUsedAt.lt(now));
        self.db.write(&update).await.map(drop)
    }
}
