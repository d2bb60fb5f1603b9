//! The rows that a notification refers to, read once for all its subscribers. They are read after the notification was
//! sent, so they contain the change.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use entity::{SessionId, UserId, session, user};
use tokio::sync::OnceCell;

use crate::{account::Accounts, error::ApiError};

/// A row that the first subscriber reads while the others wait. They share its error, too.
type Once<T> = OnceCell<Result<T, ApiError>>;

/// A session and its user.
type SessionAndUser = (session::Model, Arc<user::Model>);

/// The rows of one notification.
#[derive(Debug, Default)]
pub(super) struct Rows {
    user: Once<Option<Arc<user::Model>>>,
    sessions: Mutex<HashMap<SessionId, Arc<Once<SessionAndUser>>>>,
}

impl Rows {
    /// The user.
    pub(super) async fn user(&self, accounts: &Accounts, id: UserId) -> Result<Option<Arc<user::Model>>, ApiError> {
        let read = async || Ok(accounts.store.user(id).await?.map(Arc::new));
        self.user.get_or_init(read).await.clone()
    }

    /// A session of the user.
    pub(super) async fn session(&self, accounts: &Accounts, id: SessionId) -> Result<SessionAndUser, ApiError> {
        let read = async || {
            let (session, user) = accounts.session_with_user(id).await?;
            Ok((session, Arc::new(user)))
        };
        let once = Arc::clone(self.sessions.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default());
        once.get_or_init(read).await.clone()
    }
}
