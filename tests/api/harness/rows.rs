//! What a test does behind the server's back: reads what the API does not tell, writes what it does not let anybody do.

use entity::{SessionId, Timestamp, UserId, session, user};
use miniaccount::global_id::GlobalId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{LoggedIn, TestApp};

impl TestApp {
    /// The row of a user's session.
    pub(crate) async fn db_session(&self, user: &LoggedIn) -> session::Model {
        session::Entity::find_by_id(session_key(user)).one(&self.db().await).await.unwrap().unwrap()
    }

    /// Ends a session for any reason.
    pub(crate) async fn db_end_session(&self, user: &LoggedIn, reason: session::EndReason) {
        assert!(self.store.session_end(user_key(user), session_key(user), reason, self.accounts.now()).await.unwrap());
    }

    /// Moves the moment a session expires.
    pub(crate) async fn db_expire_session(&self, user: &LoggedIn, expires_at: Timestamp) {
        let update = session::Entity::update_many().col_expr(session::Column::ExpiresAt, Expr::value(expires_at));
        let update = update.filter(session::Column::Id.eq(session_key(user)));
        assert_eq!(update.exec(&self.db().await).await.unwrap().rows_affected, 1);
    }

    /// Removes a session as a clean-up of old ones would.
    pub(crate) async fn db_delete_session(&self, user: &LoggedIn) {
        let delete = session::Entity::delete_by_id(session_key(user));
        assert_eq!(delete.exec(&self.db().await).await.unwrap().rows_affected, 1);
    }

    /// Closes an account.
    pub(crate) async fn db_suspend(&self, user: &LoggedIn) {
        self.db_write_user(user, user::Column::Status, Expr::value(user::Status::Suspended)).await;
    }

    /// Makes a user an administrator, or an ordinary user again.
    pub(crate) async fn db_set_role(&self, user: &LoggedIn, role: user::Role) {
        self.db_write_user(user, user::Column::Role, Expr::value(role)).await;
    }

    async fn db_write_user(&self, user: &LoggedIn, column: user::Column, value: Expr) {
        let update = user::Entity::update_many().col_expr(column, value).filter(user::Column::Id.eq(user_key(user)));
        assert_eq!(update.exec(&self.db().await).await.unwrap().rows_affected, 1);
    }
}

/// The key of a user's row.
pub(crate) fn user_key(user: &LoggedIn) -> UserId {
    GlobalId::user(&user.user_id).unwrap()
}

/// The key of a session's row.
pub(crate) fn session_key(user: &LoggedIn) -> SessionId {
    GlobalId::session(&user.session_id).unwrap()
}
