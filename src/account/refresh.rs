//! Keeps a session alive. A refresh token is good once; its successor is the same for everybody who asks, so a client
//! whose answer got lost asks again. A token from before that is a copy in other hands: the session ends.

use entity::{
    Timestamp,
    session::{self, EndReason},
    user,
};

use super::{Accounts, Client, Opened, authenticate::refuse_ended, login::refuse_suspended};
use crate::{
    error::{ApiError, Code},
    token::RefreshToken,
};

/// A refresh that loses a race reads again and finds the winner's successor; it cannot lose twice.
const ATTEMPTS: u32 = 3;

impl Accounts {
    /// Trades a refresh token for the next pair of tokens.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason, `ACCOUNT_SUSPENDED`, `RATE_LIMITED`.
    pub async fn refresh(&self, token: &str, client: &Client) -> Result<Opened, ApiError> {
        self.limits.refresh(client.address).await?;
        let token = self.keys.read_refresh_token(token).ok_or_else(|| ApiError::unauthenticated("INVALID"))?;
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let (session, user) = self.session_named(token.session).await?;
            refuse_suspended(&user)?;
            refuse_ended(&session, now)?;
            if session.refresh_generation <= token.generation + 1 {
                self.limits.user(user.id).await?;
            }
            if let Some(successor) = self.successor(&session, token, now).await? {
                return self.refreshed(successor, user, now).await;
            }
        }
        Err(Code::Overloaded.into())
    }

    /// The session one generation on from the token's; `None` where another refresh was faster.
    async fn successor(
        &self,
        session: &session::Model,
        token: RefreshToken,
        now: Timestamp,
    ) -> Result<Option<session::Model>, ApiError> {
        match session.refresh_generation - token.generation {
            0 => self.advance(session, now).await,
            1 => Ok(Some(session.clone())),
            behind if behind > 1 => {
                self.end_session(session.user_id, session.id, EndReason::Reused).await?;
                tracing::warn!(user = %session.user_id.0, session = %session.id.0, "a used refresh token came back");
                Err(ApiError::unauthenticated(EndReason::Reused.as_str()))
            }
            _ => Err(ApiError::unauthenticated("INVALID")),
        }
    }

    async fn advance(&self, session: &session::Model, now: Timestamp) -> Result<Option<session::Model>, ApiError> {
        let expires_at = self.session_end_after(session.created_at, now);
        let won = self.store.session_advance(session, expires_at, now).await?;
        let refresh_generation = session.refresh_generation + 1;
        let advanced = || session::Model { refresh_generation, expires_at, last_used_at: now, ..session.clone() };
        Ok(won.then(advanced))
    }

    async fn refreshed(&self, session: session::Model, user: user::Model, now: Timestamp) -> Result<Opened, ApiError> {
        let identity = self.store.identity_of(user.id, session.identity_id).await?;
        let identity = identity.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?;
        let tokens = self.tokens(&session, &identity.app_id, now)?;
        Ok(Opened { tokens, user, session, is_new_user: false })
    }
}
