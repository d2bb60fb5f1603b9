//! Ends sessions: by logout, from another session of the same user, or by an operator.

use entity::{
    SessionId, UserId,
    session::{self, EndReason},
};

use super::SignedIn;
use crate::{account::Accounts, error::ApiError, store::Change};

/// Which sessions a logout ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutScope {
    /// The session of the token.
    Current,
    /// All sessions of the user except that of the token.
    Others,
    /// All sessions of the user.
    All,
}

impl Accounts {
    /// Logs out, and returns the number of sessions ended. The operation is idempotent: a session that has already
    /// ended is no error. Ending other sessions requires a live session.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the token's signature is invalid, or if other sessions are to be ended and its own is not
    /// live.
    pub async fn logout(&self, token: &str, scope: LogoutScope) -> Result<u64, ApiError> {
        if scope == LogoutScope::Current {
            let claims = self.read_token(token)?;
            let ended = self.end_session(claims.user, claims.session, EndReason::LoggedOut).await?;
            return Ok(u64::from(ended));
        }
        let caller = match self.authenticate(token).await {
            Err(refused) if scope == LogoutScope::All => return self.repeated_logout(token, refused).await,
            caller => caller?,
        };
        let kept = (scope == LogoutScope::Others).then_some(caller.session);
        let (owner, reason) = (caller.user.id, EndReason::LoggedOut);
        let ended = self.store.sessions_end_of(owner, kept, reason, self.clock.now()).await?;
        self.invalidate_ended(owner, &ended, reason);
        Ok(ended.len() as u64)
    }

    /// Ends a session. Returns whether this call ended it: `false` if it had ended before.
    pub(in crate::account) async fn end_session(
        &self,
        owner: UserId,
        id: SessionId,
        reason: EndReason,
    ) -> Result<bool, ApiError> {
        let ended = self.store.session_end(owner, id, reason, self.clock.now()).await?;
        self.invalidate(owner, Change::SessionEnded(id, reason));
        Ok(ended)
    }

    /// The result of a repeated logout from all sessions: no error, unless a session was opened since. Then the holder
    /// of the old token must not believe that the new session has ended.
    async fn repeated_logout(&self, token: &str, refused: ApiError) -> Result<u64, ApiError> {
        let logged_out = refused.reason == Some(EndReason::LoggedOut.as_str());
        if logged_out && self.session_count(self.read_token(token)?.user).await? == 0 { Ok(0) } else { Err(refused) }
    }

    /// Ends all sessions of a user on behalf of an operator, and returns their number. `None` if the user does not
    /// exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions_of(&self, owner: UserId) -> Result<Option<usize>, ApiError> {
        if self.store.user(owner).await?.is_none() {
            return Ok(None);
        }
        let ended = self.store.sessions_end_of(owner, None, EndReason::Revoked, self.clock.now()).await?;
        self.invalidate_ended(owner, &ended, EndReason::Revoked);
        tracing::info!(user = %owner.0, "an operator ended the sessions of an account");
        Ok(Some(ended.len()))
    }

    /// Ends one of the caller's live sessions, and returns it as it was before. `None` if the caller has no such
    /// session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, caller: &SignedIn, id: SessionId) -> Result<Option<session::Model>, ApiError> {
        let now = self.clock.now();
        let Some(session) = self.store.session_of(caller.user.id, id, now).await? else { return Ok(None) };
        self.end_session(caller.user.id, id, EndReason::Revoked).await?;
        Ok(Some(session))
    }
}
