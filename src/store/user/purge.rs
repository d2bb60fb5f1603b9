//! Deletes a user whose account is due, and all rows about them.

use entity::{
    IdentityId, SessionId, Timestamp, UserId, content_flag, identity, media_check, merge_ticket, merged_user,
    session::{self, EndReason},
    union_conflict, union_link, user, user_metadata,
};
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, IntoCondition},
};

use crate::store::{
    Store,
    database::Connection,
    delete_batch::delete_batch,
    feed::{Change, feed_append_in},
    identity::conflicts_delete_in,
    media::media_files_delete_in,
    session::{end_changes, sessions_end_in},
};

impl Store {
    /// Deletes a user whose account is due at `now`, and returns the sessions this ended. `None` if the account is not
    /// due, or a concurrent call was faster. The lock of the user's row decides between this and a login: the session
    /// of an earlier login is ended here, and a later login finds no user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_purge(&self, id: UserId, now: Timestamp) -> Result<Option<Vec<SessionId>>, DbErr> {
        self.db.transaction(move |tx| user_purge_in(tx, id, now)).await
    }

    /// Deletes up to `limit` ended sessions of a user, who may have thousands, and returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_purge_of(&self, owner: UserId, limit: u64) -> Result<u64, DbErr> {
        let (key, of_user) = (session::Column::Id, session::Column::UserId.eq(owner));
        let ended = Condition::all().add(of_user).add(session::Column::EndedAt.is_not_null());
        let delete = move |db| delete_batch::<session::Entity, SessionId>(db, (key, None), ended.clone(), limit);
        self.db.run(delete).await
    }
}

async fn user_purge_in(tx: Connection, id: UserId, now: Timestamp) -> Result<Option<Vec<SessionId>>, DbErr> {
    let lock = user::Entity::update_many().col_expr(user::Column::DeletesAt, Expr::value(now));
    let due = user::Column::DeletesAt.lte(now);
    if lock.filter(user::Column::Id.eq(id)).filter(due).exec(&tx).await?.rows_affected == 0 {
        return Ok(None);
    }
    let identities = identity::Entity::find().select_only().column(identity::Column::Id);
    let identities: Vec<IdentityId> = identities.filter(identity::Column::UserId.eq(id)).into_tuple().all(&tx).await?;
    let ended = rows_delete_in(&tx, id, &identities, now).await?;
    let mut changes = end_changes(&ended, EndReason::Deleted);
    changes.push(Change::UserChanged);
    // rows of the feed contain no personal data, and are pruned by age
    feed_append_in(&tx, id, &changes, now).await?;
    Ok(Some(ended))
}

/// Deletes the rows about a user from every table, one line for each table, in the order of locks.
async fn rows_delete_in(
    tx: &Connection,
    user: UserId,
    identities: &[IdentityId],
    now: Timestamp,
) -> Result<Vec<SessionId>, DbErr> {
    let of = || identities.iter().copied();
    let links = union_link::Entity::find().filter(union_link::Column::UserId.eq(user)).all(tx).await?;
    delete::<identity::Entity>(tx, identity::Column::UserId.eq(user)).await?;
    delete::<union_link::Entity>(tx, union_link::Column::UserId.eq(user)).await?;
    delete::<union_conflict::Entity>(tx, union_conflict::Column::IdentityId.is_in(of())).await?;
    conflicts_delete_in(tx, &links).await?;
    delete::<merge_ticket::Entity>(tx, merge_ticket::Column::UserId.eq(user)).await?;
    delete::<merge_ticket::Entity>(tx, merge_ticket::Column::IdentityId.is_in(of())).await?;
    delete::<merged_user::Entity>(tx, merged_user::Column::IntoUser.eq(user)).await?;
    delete::<user_metadata::Entity>(tx, user_metadata::Column::UserId.eq(user)).await?;
    delete::<content_flag::Entity>(tx, content_flag::Column::UserId.eq(user)).await?;
    delete::<media_check::Entity>(tx, media_check::Column::UserId.eq(user)).await?;
    // marks them only: a row is deleted after its object
    media_files_delete_in(tx, user, None, now).await?;
    let ended = sessions_end_in(tx, user, Condition::all(), EndReason::Deleted, now).await?;
    delete::<session::Entity>(tx, session::Column::UserId.eq(user)).await?;
    delete::<user::Entity>(tx, user::Column::Id.eq(user)).await?;
    Ok(ended)
}

async fn delete<E: EntityTrait>(tx: &Connection, which: impl IntoCondition) -> Result<(), DbErr> {
    E::delete_many().filter(which.into_condition()).exec(tx).await.map(drop)
}
