//! Closes accounts and opens them again.

use entity::{
    SessionId, Timestamp, UserId,
    session::EndReason,
    user::{self, Status},
};
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use super::{
    Store,
    feed::{Change, feed_append_in},
    session::{endings, sessions_end_in},
};

impl Store {
    /// Sets the status of an account. One that is closed has no live sessions: they end, and are told. `None` where
    /// there is no such user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_set_status(
        &self,
        id: UserId,
        status: Status,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, DbErr> {
        self.retried(|| self.user_set_status_once(id, status, now)).await
    }

    async fn user_set_status_once(
        &self,
        id: UserId,
        status: Status,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, DbErr> {
        let tx = self.begin().await?;
        let update = user::Entity::update_many().col_expr(user::Column::Status, Expr::value(status));
        // this row's lock keeps logins of the user out until it is done
        if update.filter(user::Column::Id.eq(id)).exec(&tx).await?.rows_affected == 0 {
            return Ok(None);
        }
        let ended = match status {
            Status::Suspended => sessions_end_in(&tx, id, Condition::all(), EndReason::Suspended, now).await?,
            Status::Active => Vec::new(),
        };
        let mut changes = endings(&ended, EndReason::Suspended);
        changes.push(Change::UserChanged);
        feed_append_in(&tx, id, &changes, now).await?;
        tx.commit().await?;
        Ok(Some(ended))
    }
}
