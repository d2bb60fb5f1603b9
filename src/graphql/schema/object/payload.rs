//! The payloads of mutations.

use async_graphql::SimpleObject;
use entity::{SessionId, session, user};
use secrecy::ExposeSecret;

use super::{super::scalar::DateTime, Session, User, user_error::UserError};
use crate::{
    account::{IssuedSession, PhoneUpdate, Viewer, viewer},
    error::Language,
};

/// The result of a login.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LoginPayload {
    /// Access token. Clients send it with each request as `Authorization: Bearer …`.
    token: String,
    /// When the access token expires.
    expires_at: DateTime,
    /// Refresh token. Clients exchange it for a new pair of tokens before it expires.
    refresh_token: String,
    /// When the refresh token and the session expire.
    refresh_expires_at: DateTime,
    /// Whether this login created the account.
    is_new_user: bool,
    /// The user.
    user: User,
    /// The session.
    session: Session,
    /// Errors to show to the user: why the phone number was not bound. The login succeeded nevertheless.
    user_errors: Vec<UserError>,
}

/// A session with a new pair of tokens.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RefreshSessionPayload {
    /// Access token. Clients send it with each request as `Authorization: Bearer …`.
    token: String,
    /// When the access token expires.
    expires_at: DateTime,
    /// Refresh token. It replaces the one that was sent.
    refresh_token: String,
    /// When the refresh token and the session expire.
    refresh_expires_at: DateTime,
    /// The user.
    user: User,
    /// The session.
    session: Session,
}

/// The result of a logout.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LogoutPayload {
    /// Number of sessions that it ended: 0 if all had ended already.
    ended_sessions: u64,
}

/// The result of revoking a session.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RevokeSessionPayload {
    /// The session that was revoked; `null` if there are errors.
    session: Option<Session>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

/// The result of binding a phone number.
#[derive(SimpleObject)]
pub(in crate::graphql) struct BindPhoneNumberPayload {
    /// The caller with the phone number; `null` if there are errors.
    user: Option<User>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

/// The result of unbinding a phone number.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UnbindPhoneNumberPayload {
    /// The caller without a phone number.
    user: Option<User>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

impl BindPhoneNumberPayload {
    /// The result for the caller.
    pub(in crate::graphql) fn new(update: PhoneUpdate, viewer: Viewer, language: Language) -> Self {
        match update {
            PhoneUpdate::Done(row) => Self { user: Some(User::new((*row).into(), viewer)), user_errors: Vec::new() },
            PhoneUpdate::Refused(problem) => {
                Self { user: None, user_errors: vec![UserError::of_phone(problem, "code", language)] }
            }
        }
    }
}

impl UnbindPhoneNumberPayload {
    /// The result for the caller.
    pub(in crate::graphql) fn new(row: user::Model, viewer: Viewer) -> Self {
        Self { user: Some(User::new(row.into(), viewer)), user_errors: Vec::new() }
    }
}

impl LoginPayload {
    /// The result, in the language of the client.
    pub(in crate::graphql) fn new(opened: IssuedSession, language: Language) -> Self {
        let is_new_user = opened.is_new_user;
        let problem = opened.phone_problem;
        let tokens = RefreshSessionPayload::from(opened);
        Self {
            token: tokens.token,
            expires_at: tokens.expires_at,
            refresh_token: tokens.refresh_token,
            refresh_expires_at: tokens.refresh_expires_at,
            is_new_user,
            user: tokens.user,
            session: tokens.session,
            user_errors: problem
                .map(|problem| UserError::of_phone(problem, "phoneCode", language))
                .into_iter()
                .collect(),
        }
    }
}

impl From<IssuedSession> for RefreshSessionPayload {
    fn from(opened: IssuedSession) -> Self {
        let IssuedSession { tokens, user, session, .. } = opened;
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
    /// The revoked session, or an error if there was none.
    pub(in crate::graphql) fn new(revoked: Option<session::Model>, current: SessionId, language: Language) -> Self {
        match revoked {
            Some(row) => Self { session: Some(Session::new(row, current)), user_errors: Vec::new() },
            None => Self { session: None, user_errors: vec![UserError::no_session(language)] },
        }
    }
}
