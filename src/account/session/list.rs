//! Lists and looks up the live sessions of a user.

use entity::{SessionId, UserId, session};

use crate::{
    account::Accounts,
    error::{ApiError, Code},
    store::{Page, PageRequest},
};

/// Maximum number of sessions on one page.
pub const SESSIONS_PER_PAGE: u64 = 100;

/// A page of sessions.
pub type SessionPage = Page<session::Model>;

impl Accounts {
    /// A live session of a user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&self, owner: UserId, id: SessionId) -> Result<Option<session::Model>, ApiError> {
        Ok(self.store.session_of(owner, id, self.clock.now()).await?)
    }

    /// A page of a user's live sessions, newest first.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a page that is too large.
    pub async fn sessions(&self, owner: UserId, window: PageRequest) -> Result<SessionPage, ApiError> {
        if window.limit > SESSIONS_PER_PAGE {
            let detail = format!("At most {SESSIONS_PER_PAGE} sessions a page.");
            return Err(ApiError::new(Code::BadUserInput).detail(detail));
        }
        Ok(self.store.sessions_of(owner, window, self.clock.now()).await?)
    }

    /// How many live sessions a user has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_count(&self, owner: UserId) -> Result<u64, ApiError> {
        Ok(self.store.session_count_of(owner, self.clock.now()).await?)
    }
}
