//! Refreshes sessions, with refresh token rotation and reuse detection (RFC 9700, section 4.14.2). A refresh token is
//! valid for one refresh, and concurrent refreshes share one successor. The previous refresh token may be repeated
//! within ten seconds of the refresh, because several tabs of one client race, and for as long as no token of the new
//! generation was used, because the response may have been lost. Any other repeat means that somebody else holds a
//! copy: the session ends.

use std::time::Duration;

use entity::{
    Timestamp,
    session::{self, EndReason},
    user,
};

use super::{IssuedSession, refuse_ended};
use crate::{
    account::{Accounts, Client, lifecycle::refuse_suspended},
    error::{ApiError, Code},
    token::RefreshToken,
};

/// Attempts at a refresh. One that loses a race reads again and finds the winner's successor, so it does not lose
/// twice.
const ATTEMPTS: u32 = 3;

/// How long after a refresh its refresh token may be repeated.
const REPLAY_WINDOW: Duration = Duration::from_secs(10);

impl Accounts {
    /// Exchanges a refresh token for the next pair of tokens.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason, `ACCOUNT_SUSPENDED`, `RATE_LIMITED`; `OVERLOADED` if it loses every race.
    pub async fn refresh(&self, token: &str, client: &Client) -> Result<IssuedSession, ApiError> {
        self.limits.refresh(client.address).await?;
        let token = self.keys.read_refresh_token(token).ok_or_else(|| ApiError::unauthenticated("INVALID"))?;
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let (session, user) = self.session_with_user(token.session).await?;
            refuse_suspended(&user)?;
            refuse_ended(&session, now)?;
            if session.refresh_generation <= token.generation + 1 {
                self.limits.user(user.id).await?;
            }
            if let Some(successor) = self.successor(&session, token, now).await? {
                return self.issue_refreshed(successor, user, now).await;
            }
        }
        Err(Code::Overloaded.into())
    }

    /// The session in the generation after the token's; `None` if a concurrent refresh was faster.
    async fn successor(
        &self,
        session: &session::Model,
        token: RefreshToken,
        now: Timestamp,
    ) -> Result<Option<session::Model>, ApiError> {
        match session.refresh_generation - token.generation {
            0 => self.advance(session, now).await,
            1 if may_replay(session, now) => Ok(Some(session.clone())),
            behind if behind > 0 => self.end_reused(session).await,
            _ => Err(ApiError::unauthenticated("INVALID")),
        }
    }

    async fn end_reused<T>(&self, session: &session::Model) -> Result<T, ApiError> {
        self.end_session(session.user_id, session.id, EndReason::Reused).await?;
        let (user, id) = (session.user_id.0, session.id.0);
        tracing::warn!(%user, session = %id, "a used refresh token was repeated: the session ended");
        Err(ApiError::unauthenticated(EndReason::Reused.as_str()))
    }

    async fn advance(&self, session: &session::Model, now: Timestamp) -> Result<Option<session::Model>, ApiError> {
        let expires_at = self.session_expiry(session.created_at, now);
        let won = self.store.session_advance(session, expires_at, now).await?;
        let refresh_generation = session.refresh_generation + 1;
        let refreshed_at = Some(now);
        let advanced =
            || session::Model { refresh_generation, refreshed_at, expires_at, last_used_at: now, ..session.clone() };
        Ok(won.then(advanced))
    }

    async fn issue_refreshed(
        &self,
        session: session::Model,
        user: user::Model,
        now: Timestamp,
    ) -> Result<IssuedSession, ApiError> {
        let identity = self.store.identity_of(user.id, session.identity_id).await?;
        let identity = identity.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?;
        let tokens = self.tokens(&session, &identity.app_id, now)?;
        Ok(IssuedSession { tokens, user, session, is_new_user: false, phone_problem: None })
    }
}

/// Whether the previous refresh token may be exchanged again for the current one. The current one has not been used for
/// a refresh: that would have created another generation.
fn may_replay(session: &session::Model, now: Timestamp) -> bool {
    let races = session.refreshed_at.is_some_and(|refreshed_at| now.since(refreshed_at) <= REPLAY_WINDOW);
    races || session.used_generation < session.refresh_generation
}
