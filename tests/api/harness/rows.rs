//! Helpers that bypass the API: they read and write rows directly.

use entity::{SessionId, Timestamp, UserId, session, user};
use miniaccount::global_id::GlobalId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{TestApp, TestUser};

impl TestApp {
    /// The row of a user's session.
    pub(crate) async fn db_session(&self, user: &TestUser) -> session::Model {
        session::Entity::find_by_id(session_key(user)).one(&self.db().await).await.unwrap().unwrap()
    }

    /// Ends a session for any reason.
    pub(crate) async fn db_end_session(&self, user: &TestUser, reason: session::EndReason) {
        assert!(self.store.session_end(user_key(user), session_key(user), reason, self.accounts.now()).await.unwrap());
    }

    /// Sets the expiry of a session.
    pub(crate) async fn db_expire_session(&self, user: &TestUser, expires_at: Timestamp) {
        let update = session::Entity::update_many().col_expr(session::Column::ExpiresAt, Expr::value(expires_at));
        let update = update.filter(session::Column::Id.eq(session_key(user)));
        assert_eq!(update.exec(&self.db().await).await.unwrap().rows_affected, 1);
    }

    /// Deletes a session, as housekeeping does with old ones.
    pub(crate) async fn db_delete_session(&self, user: &TestUser) {
        let delete = session::Entity::delete_by_id(session_key(user));
        assert_eq!(delete.exec(&self.db().await).await.unwrap().rows_affected, 1);
    }

    /// Suspends an account.
    pub(crate) async fn db_suspend(&self, user: &TestUser) {
        self.db_write_user(user, user::Column::Status, Expr::value(user::Status::Suspended)).await;
    }

    /// Sets the role of a user.
    pub(crate) async fn db_set_role(&self, user: &TestUser, role: user::Role) {
        self.db_write_user(user, user::Column::Role, Expr::value(role)).await;
    }

    async fn db_write_user(&self, user: &TestUser, column: user::Column, value: Expr) {
        let update = user::Entity::update_many().col_expr(column, value).filter(user::Column::Id.eq(user_key(user)));
        assert_eq!(update.exec(&self.db().await).await.unwrap().rows_affected, 1);
    }
}

/// The key of a user's row.
pub(crate) fn user_key(user: &TestUser) -> UserId {
    GlobalId::user(&user.user_id).unwrap()
}

/// The key of a session's row.
pub(crate) fn session_key(user: &TestUser) -> SessionId {
    GlobalId::session(&user.session_id).unwrap()
}
