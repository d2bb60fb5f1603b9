//! What mutations answer.

use async_graphql::SimpleObject;
use entity::{SessionId, session};
use secrecy::ExposeSecret;

use super::{super::scalar::DateTime, Session, User, user_error::UserError};
use crate::{
    account::{Opened, viewer},
    error::Language,
};

/// A login that succeeded.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LoginPayload {
    /// Access token: send it with each request as `Authorization: Bearer …`.
    token: String,
    /// When the access token ceases to be good.
    expires_at: DateTime,
    /// Refresh token: trade it for a new pair before the session ends.
    refresh_token: String,
    /// When the session ends unless it is refreshed.
    refresh_expires_at: DateTime,
    /// Whether this login made the user.
    is_new_user: bool,
    /// The user.
    user: User,
    /// The session.
    session: Session,
}

/// A new pair of tokens.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RefreshSessionPayload {
    /// Access token: send it with each request as `Authorization: Bearer …`.
    token: String,
    /// When the access token ceases to be good.
    expires_at: DateTime,
    /// Refresh token: the one to use from now on.
    refresh_token: String,
    /// When the session ends unless it is refreshed.
    refresh_expires_at: DateTime,
    /// The user.
    user: User,
    /// The session.
    session: Session,
}

/// A logout that is done.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LogoutPayload {
    /// How many sessions it ended: none where they were over already.
    ended_sessions: u64,
}

/// What came of ending a session.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RevokeSessionPayload {
    /// The session that was ended.
    session: Option<Session>,
    /// What a form would show instead.
    user_errors: Vec<UserError>,
}

impl From<Opened> for LoginPayload {
    fn from(opened: Opened) -> Self {
        let is_new_user = opened.is_new_user;
        let tokens = RefreshSessionPayload::from(opened);
        Self {
            token: tokens.token,
            expires_at: tokens.expires_at,
            refresh_token: tokens.refresh_token,
            refresh_expires_at: tokens.refresh_expires_at,
            is_new_user,
            user: tokens.user,
            session: tokens.session,
        }
    }
}

impl From<Opened> for RefreshSessionPayload {
    fn from(opened: Opened) -> Self {
        let Opened { tokens, user, session, .. } = opened;
        let viewer = viewer(&user, session.id);
        Self {
            token: tokens.access.expose_secret().to_owned(),
            expires_at: DateTime(tokens.access_expires_at),
            refresh_token: tokens.refresh.expose_secret().to_owned(),
            refresh_expires_at: DateTime(tokens.refresh_expires_at),
            session: Session::new(session, viewer.session),
            user: User::new(user.into(), viewer),
        }
    }
}

impl From<u64> for LogoutPayload {
    fn from(ended_sessions: u64) -> Self {
        Self { ended_sessions }
    }
}

impl RevokeSessionPayload {
    /// The session that was ended, or that there was none.
    pub(in crate::graphql) fn new(revoked: Option<session::Model>, current: SessionId, language: Language) -> Self {
        match revoked {
            Some(row) => Self { session: Some(Session::new(row, current)), user_errors: Vec::new() },
            None => Self { session: None, user_errors: vec![UserError::no_session(language)] },
        }
    }
}
