//! Unlinks an identity from a user, unless it is the last one.

use entity::{
    IdentityId, SessionId, Timestamp, UserId, identity, merge_ticket,
    session::{self, EndReason},
    union_conflict, union_link, user,
};
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, IntoCondition},
};

use crate::store::{
    Store,
    database::{Connection, TransactionEnd},
    feed::feed_append_in,
    session::{end_changes, sessions_end_in},
};

/// An identity to unlink.
#[derive(Clone, Debug)]
pub struct Unlink {
    /// The owner of the identity.
    pub user: UserId,
    /// The identity.
    pub identity: IdentityId,
    /// The appid and the open-platform account of each configured mini program.
    pub open_platforms: Vec<(String, String)>,
    /// The current time.
    pub now: Timestamp,
}

/// The result of unlinking.
#[derive(Clone, Debug)]
pub enum Unlinked {
    /// The identity is unlinked, and the sessions it had opened are ended.
    Done(Vec<SessionId>),
    /// It is the user's last identity. Nothing was written.
    Last,
    /// The identity does not belong to the user. Nothing was written.
    NotFound,
}

impl Unlink {
    /// The open-platform account of a mini program; `None` if it is no longer configured.
    fn open_platform(&self, app_id: &str) -> Option<&str> {
        self.open_platforms.iter().find(|(app, _)| app == app_id).map(|(_, platform)| platform.as_str())
    }
}

impl Store {
    /// Unlinks an identity and ends its sessions. Its next login creates a new user, unless another identity of the user
    /// has the same unionid. Concurrent calls cannot remove the
    /// last identity, because each locks the user's row first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_unlink(&self, unlink: &Unlink) -> Result<Unlinked, DbErr> {
        let unlink = unlink.clone();
        self.db.transaction_with_end(move |tx| identity_unlink_in(tx, unlink.clone())).await
    }
}

async fn identity_unlink_in(tx: Connection, unlink: Unlink) -> Result<TransactionEnd<Unlinked>, DbErr> {
    last_login_increment_in(&tx, unlink.user).await?;
    let of_user = identity::Entity::find().filter(identity::Column::UserId.eq(unlink.user));
    let (gone, remaining): (Vec<_>, Vec<_>) =
        of_user.all(&tx).await?.into_iter().partition(|row| row.id == unlink.identity);
    let Some(gone) = gone.first() else { return Ok(TransactionEnd::RollBack(Unlinked::NotFound)) };
    if remaining.is_empty() {
        return Ok(TransactionEnd::RollBack(Unlinked::Last));
    }
    identity_delete_in(&tx, gone.id).await?;
    // It is not stored which of the unionids belongs to this identity, and one that stayed would lead it back to the
    // user. A remaining identity links its own unionid at its next login.
    if let Some(platform) = unlink.open_platform(&gone.app_id) {
        union_links_delete_in(&tx, unlink.user, platform).await?;
    }
    let opened = session::Column::IdentityId.eq(gone.id).into_condition();
    let ended = sessions_end_in(&tx, unlink.user, opened, EndReason::Unlinked, unlink.now).await?;
    feed_append_in(&tx, unlink.user, &end_changes(&ended, EndReason::Unlinked), unlink.now).await?;
    Ok(TransactionEnd::Commit(Unlinked::Done(ended)))
}

/// Locks the user's row, and increments `last_login_at` by a millisecond: a batched login (`login/batched.sql`) that
/// has read the identity before then detects that the row changed, and is retried.
async fn last_login_increment_in(tx: &Connection, id: UserId) -> Result<(), DbErr> {
    let later = Expr::col(user::Column::LastLoginAt).add(1);
    let update = user::Entity::update_many().col_expr(user::Column::LastLoginAt, later);
    update.filter(user::Column::Id.eq(id)).exec(tx).await.map(drop)
}

/// Deletes an identity and the rows that refer to it.
async fn identity_delete_in(tx: &Connection, id: IdentityId) -> Result<(), DbErr> {
    identity::Entity::delete_by_id(id).exec(tx).await?;
    union_conflict::Entity::delete_by_id(id).exec(tx).await?;
    let tickets = merge_ticket::Entity::delete_many().filter(merge_ticket::Column::IdentityId.eq(id));
    tickets.exec(tx).await.map(drop)
}

/// Deletes a user's unionids of an open platform, and their conflicts: an identity in conflict may link its unionid
/// now.
async fn union_links_delete_in(tx: &Connection, user: UserId, platform: &str) -> Result<(), DbErr> {
    let of_user =
        Condition::all().add(union_link::Column::UserId.eq(user)).add(union_link::Column::OpenPlatform.eq(platform));
    let links = union_link::Entity::find().filter(of_user.clone()).all(tx).await?;
    union_link::Entity::delete_many().filter(of_user).exec(tx).await?;
    super::conflict::conflicts_delete_in(tx, &links).await
}
