//! A user's sessions: listed, looked up, ended.

use entity::{
    SessionId, UserId,
    session::{self, EndReason},
};

use super::{Accounts, SignedIn};
use crate::{
    error::{ApiError, Code},
    store::{Change, Page, Window},
};

/// The most sessions one page holds.
pub const SESSIONS_PER_PAGE: u64 = 100;

/// A page of sessions.
pub type SessionPage = Page<session::Model>;

/// Which sessions a logout ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutScope {
    /// The one the token names.
    Current,
    /// All of the user but that one.
    Others,
    /// All of the user.
    All,
}

impl Accounts {
    /// Logs out, and tells how many sessions that ended. Logging out of a session that is over already is no error:
    /// the client wanted it gone, and it is. Ending other sessions takes a session that lives.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where the token is not ours, or, for other sessions than its own, is not good any more.
    pub async fn logout(&self, token: &str, scope: LogoutScope) -> Result<u64, ApiError> {
        if scope == LogoutScope::Current {
            let claims = self.read_token(token)?;
            let ended = self.end_session(claims.user, claims.session, EndReason::LoggedOut).await?;
            return Ok(u64::from(ended));
        }
        let caller = match self.authenticate(token).await {
            Err(refused) if scope == LogoutScope::All => return self.logged_out_already(token, refused).await,
            caller => caller?,
        };
        let kept = (scope == LogoutScope::Others).then_some(caller.session);
        let (owner, reason) = (caller.user.id, EndReason::LoggedOut);
        let ended = self.store.sessions_end_of(owner, kept, reason, self.clock.now()).await?;
        for session in &ended {
            self.heed(owner, Change::SessionEnded(*session, reason));
        }
        Ok(ended.len() as u64)
    }

    /// Ends a session, unless it is over. The answer tells whether this call did it.
    pub(super) async fn end_session(&self, owner: UserId, id: SessionId, reason: EndReason) -> Result<bool, ApiError> {
        let ended = self.store.session_end(owner, id, reason, self.clock.now()).await?;
        self.heed(owner, Change::SessionEnded(id, reason));
        Ok(ended)
    }

    /// Logging out everywhere is no error the second time either. A session opened since is another matter: whoever
    /// holds an old token is not told that it is gone.
    async fn logged_out_already(&self, token: &str, refused: ApiError) -> Result<u64, ApiError> {
        let logged_out = refused.reason == Some(EndReason::LoggedOut.as_str());
        if logged_out && self.session_count(self.read_token(token)?.user).await? == 0 { Ok(0) } else { Err(refused) }
    }

    /// Ends one of the caller's sessions, and gives it as it was. `None` where the caller has no such session alive:
    /// somebody else's is none of theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, caller: &SignedIn, id: SessionId) -> Result<Option<session::Model>, ApiError> {
        let now = self.clock.now();
        let Some(session) = self.store.session_of(caller.user.id, id, now).await? else { return Ok(None) };
        self.end_session(caller.user.id, id, EndReason::Revoked).await?;
        Ok(Some(session))
    }

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
    pub async fn sessions(&self, owner: UserId, window: Window) -> Result<SessionPage, ApiError> {
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
