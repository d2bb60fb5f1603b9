//! Ends sessions: by logout, from another session of the same user, or because a rule asks for it.

use entity::{
    SessionId, UserId,
    session::{self, EndReason},
};

use super::SignedIn;
use crate::{account::Accounts, error::ApiError, store::Change};

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
    /// Logs out, and tells how many sessions that ended. Logging out is idempotent: a session that has already ended is
    /// no error. Ending other sessions requires a live session.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where the token is not ours, or, for other sessions than its own, is no longer valid.
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
        self.invalidate_ended(owner, &ended, reason);
        Ok(ended.len() as u64)
    }

    /// Ends a session, and tells whether this call did it: `false` where it had ended before.
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

    /// A second logout from everywhere is no error, unless a session was opened since: the holder of an old token must
    /// not believe that the new one has ended.
    async fn logged_out_already(&self, token: &str, refused: ApiError) -> Result<u64, ApiError> {
        let logged_out = refused.reason == Some(EndReason::LoggedOut.as_str());
        if logged_out && self.session_count(self.read_token(token)?.user).await? == 0 { Ok(0) } else { Err(refused) }
    }

    /// Ends all sessions of a user as an operator wants, and tells how many those were. `None` where there is no such user.
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

    /// Ends one of the caller's live sessions, and returns it as it was. `None` where the caller has no such session.
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
