//! Schedules and cancels the deletion of accounts, and finds those that are due.

use entity::{Timestamp, UserId, user};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, SimpleExpr},
};

use crate::store::{
    Store,
    database::Connection,
    feed::{Change, feed_append_in},
};

impl Store {
    /// Schedules the deletion of an account unless it is scheduled already, and returns the updated user. `None` if the
    /// user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_schedule_deletion(
        &self,
        id: UserId,
        deletes_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<user::Model>, DbErr> {
        let unset = user::Column::DeletesAt.is_null();
        self.db.transaction(move |tx| set_in(tx, id, Some(deletes_at), unset.clone(), now)).await
    }

    /// Makes an account due immediately, whether or not its deletion was scheduled. `None` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_make_due(&self, id: UserId, now: Timestamp) -> Result<Option<user::Model>, DbErr> {
        let any = user::Column::Id.eq(id);
        self.db.transaction(move |tx| set_in(tx, id, Some(now), any.clone(), now)).await
    }

    /// Cancels the deletion of an account, and returns the updated user. `None` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_cancel_deletion(&self, id: UserId, now: Timestamp) -> Result<Option<user::Model>, DbErr> {
        let is_set = user::Column::DeletesAt.is_not_null();
        self.db.transaction(move |tx| set_in(tx, id, None, is_set.clone(), now)).await
    }

    /// Up to `limit` users whose accounts are due at `now`, those that have been due longest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_due(&self, now: Timestamp, limit: u64) -> Result<Vec<UserId>, DbErr> {
        self.db
            .run(move |db| async move {
                let due = user::Entity::find().select_only().column(user::Column::Id);
                let due = due.filter(user::Column::DeletesAt.lte(now)).order_by_asc(user::Column::DeletesAt);
                due.limit(limit).into_tuple().all(&db).await
            })
            .await
    }
}

/// Schedules the deletion of an account, and returns whether it was not scheduled before. The last step of a
/// transaction.
pub(in crate::store) async fn deletion_schedule_in(
    tx: &Connection,
    id: UserId,
    deletes_at: Timestamp,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let user = set_in(tx.clone(), id, Some(deletes_at), user::Column::DeletesAt.is_null(), now).await?;
    Ok(user.is_some_and(|user| user.deletes_at == Some(deletes_at)))
}

/// Sets `deletes_at` if a condition holds, and returns the user.
async fn set_in(
    tx: Connection,
    id: UserId,
    deletes_at: Option<Timestamp>,
    condition: SimpleExpr,
    now: Timestamp,
) -> Result<Option<user::Model>, DbErr> {
    let update = user::Entity::update_many().col_expr(user::Column::DeletesAt, Expr::value(deletes_at));
    let updated = update.filter(user::Column::Id.eq(id)).filter(condition).exec(&tx).await?;
    let user = user::Entity::find_by_id(id).one(&tx).await?;
    if updated.rows_affected > 0 {
        // each node caches the row with the session
        feed_append_in(&tx, id, &[Change::UserChanged], now).await?;
    }
    Ok(user)
}
