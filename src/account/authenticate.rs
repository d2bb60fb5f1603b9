//! Who a request speaks for. A token's signature says that we wrote it; its session's row says whether it still counts.
//! What the row said is remembered for as long as nothing can have changed (see `live`).

use std::{
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use entity::{SessionId, Timestamp, UserId, session, user};

use super::{Accounts, login::refuse_suspended};
use crate::{
    error::ApiError,
    token::{Claims, TokenDigest},
};

/// How long what a row said is remembered. What the feed does not tell, such as the time of a login elsewhere, is no older
/// than this either.
const OLDEST: Duration = Duration::from_mins(10);

/// How exact `last_used_at` is: it is written at most once in so long, not with each request.
const LAST_USED_PRECISION: Duration = Duration::from_mins(1);

/// A caller whose session lives.
#[derive(Debug)]
pub struct SignedIn {
    /// The user.
    pub user: Arc<user::Model>,
    /// The session the token names.
    pub session: SessionId,
    /// When the token or the session expires, whichever is first.
    expires_at: Timestamp,
    remembered_until: Timestamp,
    last_used_at: AtomicI64,
    forgotten: AtomicBool,
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
    pub(super) fn new(user: user::Model, session: &session::Model, claims: &Claims, now: Timestamp) -> Self {
        let expires_at = claims.expires_at.min(session.expires_at);
        Self {
            user: Arc::new(user),
            session: session.id,
            expires_at,
            remembered_until: expires_at.min(now + OLDEST),
            last_used_at: AtomicI64::new(session.last_used_at.0),
            forgotten: AtomicBool::new(false),
        }
    }

    /// The caller as one who looks at accounts.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        viewer(&self.user, self.session)
    }

    /// When the token or the session expires, whichever is first.
    pub(super) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether it may still be gone by.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        !self.forgotten.load(Ordering::Acquire) && self.remembered_until > now
    }

    /// Marks it: something has happened to the session or the user.
    pub(super) fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
    }

    /// What it takes in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let user = &self.user;
        let texts = [&user.nickname, &user.avatar_url, &user.locale, &user.phone_number];
        let texts: usize = texts.into_iter().flatten().map(String::capacity).sum();
        size_of::<Self>() + size_of::<user::Model>() + texts
    }

    /// Whether this use is to be written down: true once in a while.
    pub(super) fn is_use_worth_noting(&self, now: Timestamp) -> bool {
        let noted = self.last_used_at.load(Ordering::Relaxed);
        let is_due = now.since(Timestamp(noted)) >= LAST_USED_PRECISION;
        is_due && self.last_used_at.compare_exchange(noted, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// How `user` in `session` looks at accounts.
#[must_use]
pub fn viewer(user: &user::Model, session: SessionId) -> Viewer {
    Viewer { user: user.id, session, is_admin: user.role == user::Role::Admin }
}

impl Accounts {
    /// Tells who an access token speaks for: from memory, or else by one indexed read.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason; `ACCOUNT_SUSPENDED`.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<SignedIn>, ApiError> {
        let digest = TokenDigest::of(token);
        let caller = match self.live.get(&digest, self.clock.as_ref()) {
            Some(caller) => caller,
            None => self.recognise(token, digest).await?,
        };
        self.note_use(&caller);
        Ok(caller)
    }

    /// The same by what the token and the database say.
    async fn recognise(&self, token: &str, digest: TokenDigest) -> Result<Arc<SignedIn>, ApiError> {
        let now = self.clock.now();
        let claims = self.read_token(token)?;
        if claims.expires_at <= now {
            return Err(ApiError::unauthenticated("EXPIRED"));
        }
        let ticket = self.live.ticket(claims.user);
        // what is remembered may be older than the row: whoever is refused once is not let in again
        let forget = |_: &ApiError| self.live.forget(claims.user, Some(claims.session));
        let (session, user) = self.living(&claims, now).await.inspect_err(forget)?;
        let caller = Arc::new(SignedIn::new(user, &session, &claims, now));
        self.live.put(ticket, digest, &caller);
        Ok(caller)
    }

    /// The session that claims name, where it lives, and its user.
    async fn living(&self, claims: &Claims, now: Timestamp) -> Result<(session::Model, user::Model), ApiError> {
        let (session, user) = self.session_named(claims.session).await?;
        if session.user_id != claims.user {
            return Err(ApiError::unauthenticated("INVALID"));
        }
        refuse_suspended(&user)?;
        refuse_ended(&session, now)?;
        Ok((session, user))
    }

    /// Reads a token that we wrote, whether or not it has expired.
    pub(super) fn read_token(&self, token: &str) -> Result<Claims, ApiError> {
        self.keys.read_access_token(token).ok_or_else(|| ApiError::unauthenticated("INVALID"))
    }

    /// The session a token of ours names, with its user. A row that is gone was ended and tidied away.
    pub(super) async fn session_named(&self, id: SessionId) -> Result<(session::Model, user::Model), ApiError> {
        self.store.session_with_user(id).await?.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
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
