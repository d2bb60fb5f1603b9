//! Who a request speaks for. A token's signature says that we wrote it; its session's row says whether it still counts.

use std::time::Duration;

use entity::{SessionId, Timestamp, UserId, session, user};

use super::{Accounts, login::refuse_suspended};
use crate::{error::ApiError, token::Claims};

/// How exact `last_used_at` is: it is written at most once in so long, not with each request.
const LAST_USED_PRECISION: Duration = Duration::from_mins(1);

/// A caller whose session lives.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: user::Model,
    /// The session the token names.
    pub session: session::Model,
}

/// From whose eyes an account is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The user who looks.
    pub user: UserId,
    /// The session they look from.
    pub session: SessionId,
    /// Whether they may see every account.
    pub is_admin: bool,
}

impl Viewer {
    /// Whether the viewer may see what of an account is not public.
    #[must_use]
    pub fn sees_private(&self, owner: UserId) -> bool {
        self.is_admin || self.user == owner
    }
}

impl SignedIn {
    /// The caller as one who looks at accounts.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        viewer(&self.user, &self.session)
    }
}

/// How `user` in `session` looks at accounts.
#[must_use]
pub fn viewer(user: &user::Model, session: &session::Model) -> Viewer {
    Viewer { user: user.id, session: session.id, is_admin: user.role == user::Role::Admin }
}

impl Accounts {
    /// Tells who an access token speaks for, by one indexed read.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason; `ACCOUNT_SUSPENDED`.
    pub async fn authenticate(&self, token: &str) -> Result<SignedIn, ApiError> {
        let now = self.clock.now();
        let claims = self.read_token(token)?;
        if claims.expires_at <= now {
            return Err(ApiError::unauthenticated("EXPIRED"));
        }
        let (session, user) = self.session_named(claims.session).await?;
        if session.user_id != claims.user {
            return Err(ApiError::unauthenticated("INVALID"));
        }
        refuse_ended(&session, now)?;
        refuse_suspended(&user)?;
        self.note_use(&session, now).await;
        Ok(SignedIn { user, session })
    }

    /// Reads a token that we wrote, whether or not it has expired.
    pub(super) fn read_token(&self, token: &str) -> Result<Claims, ApiError> {
        self.keys.read_access_token(token).ok_or_else(|| ApiError::unauthenticated("INVALID"))
    }

    /// The session a token of ours names, with its user. A row that is gone was ended and tidied away.
    pub(super) async fn session_named(&self, id: SessionId) -> Result<(session::Model, user::Model), ApiError> {
        self.store.session_with_user(id).await?.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// Writes down that a session was used, once in a while. A request does not fail because this does.
    async fn note_use(&self, session: &session::Model, now: Timestamp) {
        if now.since(session.last_used_at) < LAST_USED_PRECISION {
            return;
        }
        if let Err(cause) = self.store.session_touch(session.id, now).await {
            tracing::warn!(%cause, "the use of a session could not be noted");
        }
    }
}

/// Refuses a session that is over, saying why.
pub(super) fn refuse_ended(session: &session::Model, now: Timestamp) -> Result<(), ApiError> {
    match session.end_reason {
        Some(reason) => Err(ApiError::unauthenticated(reason.as_str())),
        None if session.is_live(now) => Ok(()),
        None => Err(ApiError::unauthenticated("EXPIRED")),
    }
}
