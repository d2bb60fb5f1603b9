//! Issues the tokens of a session, and determines when they and the session expire.

use std::cmp::min;

use entity::{Timestamp, session, user};
use secrecy::SecretString;

use crate::{
    account::{Accounts, PhoneProblem},
    error::ApiError,
    token::{Claims, RefreshToken},
};

/// The access token and the refresh token of a session.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token, sent with each request.
    pub access: SecretString,
    /// When the access token expires.
    pub access_expires_at: Timestamp,
    /// The refresh token, exchanged for a new pair.
    pub refresh: SecretString,
    /// When the session expires unless it is refreshed.
    pub refresh_expires_at: Timestamp,
}

/// The result of a login or a refresh: a session with new tokens.
#[derive(Clone, Debug)]
pub struct IssuedSession {
    /// The tokens.
    pub tokens: Tokens,
    /// The user.
    pub user: user::Model,
    /// The session.
    pub session: session::Model,
    /// Whether the login created the user.
    pub is_new_user: bool,
    /// Why the telephone number of the login was not bound, if so.
    pub phone_problem: Option<PhoneProblem>,
}

impl Accounts {
    /// Issues the tokens of a session's current generation.
    pub(in crate::account) fn tokens(
        &self,
        session: &session::Model,
        app_id: &str,
        now: Timestamp,
    ) -> Result<Tokens, ApiError> {
        // a JWT has whole seconds, and the client gets the same time
        let expires_at = whole_seconds(min(now + self.sessions.access_ttl, session.expires_at));
        let claims = Claims {
            user: session.user_id,
            session: session.id,
            app_id: app_id.to_owned(),
            generation: session.refresh_generation,
            issued_at: now,
            expires_at,
        };
        let refresh = RefreshToken { session: session.id, generation: session.refresh_generation };
        Ok(Tokens {
            access: self.keys.access_token(&claims).map_err(ApiError::internal)?.into(),
            access_expires_at: expires_at,
            refresh: self.keys.refresh_token(refresh),
            refresh_expires_at: session.expires_at,
        })
    }

    /// The expiry of a session that is opened or refreshed at `now`.
    pub(in crate::account) fn session_expiry(&self, created_at: Timestamp, now: Timestamp) -> Timestamp {
        min(now + self.sessions.refresh_ttl, created_at + self.sessions.max_age)
    }
}

fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.seconds()).unwrap_or(moment)
}
