//! Sets the status and the role of an account.

use entity::{
    SessionId, Timestamp, UserId,
    session::EndReason,
    user::{self, Role, Status},
};
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use crate::store::{
    Store,
    database::Connection,
    feed::{Change, feed_append_in},
    session::{end_changes, sessions_end_in},
};

impl Store {
    /// Sets the status of an account, and returns the sessions ended. Suspension ends all sessions and appends them to
    /// the feed. `None` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_set_status(
        &self,
        id: UserId,
        status: Status,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, DbErr> {
        self.db.transaction(move |tx| user_set_status_in(tx, id, status, now)).await
    }

    /// Sets the role of an account. `false` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_set_role(&self, id: UserId, role: Role, now: Timestamp) -> Result<bool, DbErr> {
        self.db.transaction(move |tx| user_set_role_in(tx, id, role, now)).await
    }
}

async fn user_set_role_in(tx: Connection, id: UserId, role: Role, now: Timestamp) -> Result<bool, DbErr> {
    let update = user::Entity::update_many().col_expr(user::Column::Role, Expr::value(role));
    if update.filter(user::Column::Id.eq(id)).exec(&tx).await?.rows_affected == 0 {
        return Ok(false);
    }
    // each node caches the role with the session
    feed_append_in(&tx, id, &[Change::UserChanged], now).await?;
    Ok(true)
}

async fn user_set_status_in(
    tx: Connection,
    id: UserId,
    status: Status,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, DbErr> {
    let update = user::Entity::update_many().col_expr(user::Column::Status, Expr::value(status));
    // this row's lock blocks logins of the user until the commit
    if update.filter(user::Column::Id.eq(id)).exec(&tx).await?.rows_affected == 0 {
        return Ok(None);
    }
    let ended = match status {
        Status::Suspended => sessions_end_in(&tx, id, Condition::all(), EndReason::Suspended, now).await?,
        Status::Active => Vec::new(),
    };
    let mut changes = end_changes(&ended, EndReason::Suspended);
    changes.push(Change::UserChanged);
    feed_append_in(&tx, id, &changes, now).await?;
    Ok(Some(ended))
}
