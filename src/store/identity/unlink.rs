//! Detaches an identity from a user, unless it is the last one.

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

/// An identity to detach.
#[derive(Clone, Debug)]
pub struct Unlink {
    /// Whose it is.
    pub user: UserId,
    /// The identity.
    pub identity: IdentityId,
    /// The mini programs, each with the scope of its unionids.
    pub open_platforms: Vec<(String, String)>,
    /// The present moment.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Unlinked {
    /// It is detached, and these sessions, which it had opened, ended.
    Done(Vec<SessionId>),
    /// It is the user's last one. Nothing was written.
    Last,
    /// The user has no such identity. Nothing was written.
    NotFound,
}

impl Unlink {
    /// The scope of unionids of a mini program; `None` where it is no longer configured.
    fn open_platform(&self, app_id: &str) -> Option<&str> {
        self.open_platforms.iter().find(|(app, _)| app == app_id).map(|(_, platform)| platform.as_str())
    }
}

impl Store {
    /// Detaches an identity: its sessions end, and its openid may log in as somebody new. Of concurrent calls none takes
    /// the last one, because each locks the user's row first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_unlink(&self, unlink: &Unlink) -> Result<Unlinked, DbErr> {
        let unlink = unlink.clone();
        self.db.transaction_with_end(move |tx| identity_unlink_in(tx, unlink.clone())).await
    }
}

async fn identity_unlink_in(tx: Connection, unlink: Unlink) -> Result<TransactionEnd<Unlinked>, DbErr> {
    user_note_change_in(&tx, unlink.user).await?;
    let of_user = identity::Entity::find().filter(identity::Column::UserId.eq(unlink.user));
    let (gone, remaining): (Vec<_>, Vec<_>) =
        of_user.all(&tx).await?.into_iter().partition(|row| row.id == unlink.identity);
    let Some(gone) = gone.first() else { return Ok(TransactionEnd::RollBack(Unlinked::NotFound)) };
    if remaining.is_empty() {
        return Ok(TransactionEnd::RollBack(Unlinked::Last));
    }
    identity_delete_in(&tx, gone.id).await?;
    // Which of the unionids came with this identity is not known, and one that stayed would lead it back. A remaining
    // identity attaches its own with its next login.
    if let Some(platform) = unlink.open_platform(&gone.app_id) {
        union_links_delete_in(&tx, unlink.user, platform).await?;
    }
    let opened = session::Column::IdentityId.eq(gone.id).into_condition();
    let ended = sessions_end_in(&tx, unlink.user, opened, EndReason::Unlinked, unlink.now).await?;
    feed_append_in(&tx, unlink.user, &end_changes(&ended, EndReason::Unlinked), unlink.now).await?;
    Ok(TransactionEnd::Commit(Unlinked::Done(ended)))
}

/// Locks the user's row, and moves `last_login_at` on by a millisecond: a login that many share (`login/batched.sql`) and
/// that has read the identity before finds the row changed, and reads again.
async fn user_note_change_in(tx: &Connection, id: UserId) -> Result<(), DbErr> {
    let later = Expr::col(user::Column::LastLoginAt).add(1);
    let update = user::Entity::update_many().col_expr(user::Column::LastLoginAt, later);
    update.filter(user::Column::Id.eq(id)).exec(tx).await.map(drop)
}

/// Removes an identity and what is about it alone.
async fn identity_delete_in(tx: &Connection, id: IdentityId) -> Result<(), DbErr> {
    identity::Entity::delete_by_id(id).exec(tx).await?;
    union_conflict::Entity::delete_by_id(id).exec(tx).await?;
    let tickets = merge_ticket::Entity::delete_many().filter(merge_ticket::Column::IdentityId.eq(id));
    tickets.exec(tx).await.map(drop)
}

/// Removes a user's unionids of an open platform, and the conflicts about them: what met one may attach it now.
async fn union_links_delete_in(tx: &Connection, user: UserId, platform: &str) -> Result<(), DbErr> {
    let of_user =
        Condition::all().add(union_link::Column::UserId.eq(user)).add(union_link::Column::OpenPlatform.eq(platform));
    let links = union_link::Entity::find().filter(of_user.clone()).all(tx).await?;
    union_link::Entity::delete_many().filter(of_user).exec(tx).await?;
    super::conflict::conflicts_delete_in(tx, &links).await
}
