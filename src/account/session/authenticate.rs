//! Authenticates a request by its access token. The signature proves that we issued the token; the session's row
//! decides whether it is still valid. The result is cached for as long as it is known to be unchanged (see `cache`).

use std::{
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use entity::{SessionId, Timestamp, UserId, session, user};

use super::last_used::LastUsed;
use crate::{
    account::{Accounts, lifecycle::refuse_suspended},
    error::ApiError,
    log_context,
    token::{Claims, TokenDigest},
};

/// Maximum age of a cache entry. Changes without a row in the feed, such as the time of a login on another node, are
/// seen after this time at the latest.
const MAX_CACHE_AGE: Duration = Duration::from_mins(10);

/// An authenticated caller, whose session is live.
#[derive(Debug)]
pub struct SignedIn {
    /// The user.
    pub user: Arc<user::Model>,
    /// The session the token names.
    pub session: SessionId,
    /// When the token or the session expires, whichever is first.
    expires_at: Timestamp,
    cached_until: Timestamp,
    last_used: LastUsed,
    is_invalidated: AtomicBool,
}

/// The viewer of an account: determines which fields are visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The viewing user.
    pub user: UserId,
    /// Their session.
    pub session: SessionId,
    /// Whether they may see every account.
    pub is_admin: bool,
}

impl Viewer {
    /// Whether the viewer may see the private fields of an account.
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
            cached_until: expires_at.min(now + MAX_CACHE_AGE),
            last_used: LastUsed::new(session.last_used_at),
            is_invalidated: AtomicBool::new(false),
        }
    }

    /// The caller as a viewer of accounts.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        viewer(&self.user, self.session)
    }

    /// When the token or the session expires, whichever is first.
    pub(in crate::account) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether the cache may return the entry.
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        !self.is_invalidated.load(Ordering::Acquire) && self.cached_until > now
    }

    /// Marks the entry as invalid: its session or its user changed.
    pub(super) fn invalidate(&self) {
        self.is_invalidated.store(true, Ordering::Release);
    }

    /// The size in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let user = &self.user;
        let texts = [&user.nickname, &user.avatar_url, &user.locale];
        let texts: usize = texts.into_iter().flatten().map(String::capacity).sum();
        size_of::<Self>() + size_of::<user::Model>() + texts
    }
}

/// The viewer for a user and their session.
#[must_use]
pub fn viewer(user: &user::Model, session: SessionId) -> Viewer {
    Viewer { user: user.id, session, is_admin: user.role == user::Role::Admin }
}

impl Accounts {
    /// Authenticates an access token, from the cache or else by one indexed read.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason; `ACCOUNT_SUSPENDED`.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<SignedIn>, ApiError> {
        let digest = TokenDigest::of(token);
        let caller = match self.cache.get(&digest, self.clock.as_ref()) {
            Some(caller) => caller,
            None => self.authenticate_uncached(token, digest).await?,
        };
        self.record_use(caller.session, &caller.last_used);
        log_context::set_caller(caller.user.id.0, caller.session.0);
        Ok(caller)
    }

    /// Authenticates by the signature and the database, and caches the result.
    async fn authenticate_uncached(&self, token: &str, digest: TokenDigest) -> Result<Arc<SignedIn>, ApiError> {
        let now = self.clock.now();
        let claims = self.read_token(token)?;
        if claims.expires_at <= now {
            return Err(ApiError::unauthenticated("EXPIRED"));
        }
        let guard = self.cache.fill_guard(claims.user);
        // a cached entry may be older than the row: once refused, a token must not be accepted from the cache later
        let invalidate = |_: &ApiError| self.cache.invalidate(claims.user, Some(claims.session));
        let (session, user) = self.live_session(&claims, now).await.inspect_err(invalidate)?;
        self.record_used_generation(&claims, &session).await?;
        let caller = Arc::new(SignedIn::new(user, &session, &claims, now));
        self.cache.put(guard, digest, &caller);
        Ok(caller)
    }

    /// The session of the claims, and its user. Refuses a session that is not live.
    async fn live_session(&self, claims: &Claims, now: Timestamp) -> Result<(session::Model, user::Model), ApiError> {
        let (session, user) = self.session_with_user(claims.session).await?;
        if session.user_id != claims.user {
            // the user was merged into another one: the session has ended, and its row contains the reason
            refuse_ended(&session, now)?;
            return Err(ApiError::unauthenticated("INVALID"));
        }
        refuse_suspended(&user)?;
        refuse_ended(&session, now)?;
        Ok((session, user))
    }

    /// Records the first use of an access token of the newest generation, before its request is answered: from then on,
    /// the previous refresh token counts as reused. For a cached token this was recorded when its row was read. The
    /// tokens of a login have no previous generation.
    async fn record_used_generation(&self, claims: &Claims, session: &session::Model) -> Result<(), ApiError> {
        let is_newest = claims.generation == session.refresh_generation;
        if is_newest && session.used_generation < claims.generation {
            self.store.session_record_used_generation(session.id, claims.generation).await?;
        }
        Ok(())
    }

    /// Verifies the signature of a token and returns its claims. Does not check the expiry.
    pub(super) fn read_token(&self, token: &str) -> Result<Claims, ApiError> {
        self.keys.read_access_token(token).ok_or_else(|| ApiError::unauthenticated("INVALID"))
    }

    /// A session with its user. If the row is gone, the session ended long ago, and the error is `UNAUTHENTICATED`.
    pub(in crate::account) async fn session_with_user(
        &self,
        id: SessionId,
    ) -> Result<(session::Model, user::Model), ApiError> {
        self.store.session_with_user(id).await?.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }
}

/// Refuses a session that has ended or expired, with the reason.
pub(in crate::account) fn refuse_ended(session: &session::Model, now: Timestamp) -> Result<(), ApiError> {
    match session.end_reason {
        Some(reason) => Err(ApiError::unauthenticated(reason.as_str())),
        None if session.is_live(now) => Ok(()),
        None => Err(ApiError::unauthenticated("EXPIRED")),
    }
}
