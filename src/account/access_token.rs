//! The access token of each mini program for WeChat's API, and the calls that need one. A node caches the token in
//! memory. Nodes share it through the database, encrypted, where a claim decides which node renews it. Logins need no
//! access token.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::{Timestamp, access_token};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Accounts,
    login::claim_lifetime,
    poll_backoff::PollBackoff,
    single_flight::{Flight, SingleFlight},
};
use crate::{
    config,
    error::ApiError,
    random,
    store::RenewalClaim,
    token::TokenDigest,
    wechat::{App, CallOutcome, Request},
};

/// A token is renewed this long before it expires, and up to `JITTER` later, at random on each node. WeChat returns the
/// same token until its last five minutes; then the old and the new one are valid together.
const RENEW_BEFORE: Duration = Duration::from_mins(5);
const JITTER: Duration = Duration::from_mins(1);

/// The delay between a failed renewal and the next attempt, while the old token is valid.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// The access tokens cached by this node.
pub(super) struct AccessTokens {
    cached: Mutex<HashMap<String, CachedToken>>,
    /// Renewals in progress, by app, and by the token that WeChat refused if that is the reason for the renewal.
    renewals: SingleFlight<(String, Option<TokenDigest>), CachedToken>,
    claim_lifetime: Duration,
}

/// A cached token.
#[derive(Clone)]
struct CachedToken {
    token: SecretString,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

impl AccessTokens {
    pub(super) fn new(settings: &config::Wechat) -> Self {
        let renewals = SingleFlight::new(Duration::ZERO);
        Self { cached: Mutex::default(), renewals, claim_lifetime: claim_lifetime(settings) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CachedToken>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CachedToken {
    fn new(token: SecretString, expires_at: Timestamp) -> Self {
        let jitter = JITTER * u32::from(u8::from_be_bytes(random::bytes())) / u32::from(u8::MAX);
        Self { token, renew_at: expires_at - RENEW_BEFORE.saturating_sub(jitter), expires_at }
    }

    fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.token.expose_secret())
    }
}

impl Accounts {
    /// Calls WeChat's API with the access token of a mini program. If WeChat refuses the token, renews it and repeats
    /// the call once.
    ///
    /// # Errors
    /// `UNKNOWN_APP`; `PROVIDER_UNAVAILABLE` and `PROVIDER_MISCONFIGURED`, also for the renewal of the token;
    /// `OVERLOADED`; the code of each other error that WeChat returns.
    pub async fn call_wechat<T>(self: &Arc<Self>, app_id: &str, request: &Request<T>) -> Result<T, ApiError> {
        let app = self.wechat.app(Some(app_id))?;
        let held = self.access_token(app, None).await?;
        if let CallOutcome::Success(answer) = self.wechat.call(app, &held.token, request).await? {
            return Ok(answer);
        }
        let renewed = self.access_token(app, Some(held.digest())).await?;
        match self.wechat.call(app, &renewed.token, request).await? {
            CallOutcome::Success(answer) => Ok(answer),
            CallOutcome::TokenRefused(error) => Err(error),
        }
    }

    /// The app's token: the cached one, or a renewed one if it is due or WeChat has `refused` it. Concurrent callers
    /// share one renewal and its error.
    async fn access_token(
        self: &Arc<Self>,
        app: &Arc<App>,
        refused: Option<TokenDigest>,
    ) -> Result<CachedToken, ApiError> {
        let held = self.access_tokens.lock().get(app.id()).cloned();
        let now = self.clock.now();
        let is_fresh = |held: &CachedToken| now < held.renew_at.min(held.expires_at) && refused != Some(held.digest());
        if let Some(held) = held.filter(is_fresh) {
            return Ok(held);
        }
        let renewal = Arc::clone(self).renew(Arc::clone(app), refused);
        match self.access_tokens.renewals.run((app.id().to_owned(), refused), Box::pin(renewal)).await? {
            Flight::Fresh(held) | Flight::Replayed(held) => Ok(held),
        }
    }

    async fn renew(
        self: Arc<Self>,
        app: Arc<App>,
        refused: Option<TokenDigest>,
    ) -> Result<Flight<CachedToken, CachedToken>, ApiError> {
        let token = self.shared_token(&app, refused).await?;
        self.access_tokens.lock().insert(app.id().to_owned(), token.clone());
        Ok(Flight::Fresh(token))
    }

    /// The token stored in the database. This node renews it unless another node does.
    async fn shared_token(&self, app: &App, refused: Option<TokenDigest>) -> Result<CachedToken, ApiError> {
        let mut backoff = PollBackoff::new(self.access_tokens.claim_lifetime);
        loop {
            let row = self.store.access_token(app.id()).await?;
            let now = self.clock.now();
            let is_usable = |held: &CachedToken| now < held.expires_at && refused != Some(held.digest());
            let usable = row.as_ref().and_then(|row| self.open_token(row)).filter(is_usable);
            if let Some(fresh) = usable.as_ref().filter(|held| now < held.renew_at) {
                return Ok(fresh.clone());
            }
            let claim = RenewalClaim { app_id: app.id().to_owned(), until: now + self.access_tokens.claim_lifetime };
            if self.store.access_token_claim(row.as_ref(), &claim, now).await? {
                return self.fetch_token(app, &claim, usable).await;
            }
            match usable {
                // another node renews it, and the old one is still valid
                Some(usable) => return Ok(usable),
                None => backoff.wait().await?,
            }
        }
    }

    /// Requests a token from WeChat and stores it for all nodes. If the request fails, the old token is used while it
    /// is valid.
    async fn fetch_token(
        &self,
        app: &App,
        claim: &RenewalClaim,
        usable: Option<CachedToken>,
    ) -> Result<CachedToken, ApiError> {
        let fetched = match self.wechat.access_token(app).await {
            Ok(fetched) => fetched,
            Err(error) => {
                self.store.access_token_release(claim).await?;
                let renew_at = self.clock.now() + RETRY_DELAY;
                return usable.map(|usable| CachedToken { renew_at, ..usable }).ok_or(error);
            }
        };
        let plain = fetched.token.expose_secret().as_bytes();
        let sealed = self.keys.seal(&access_token_context(app.id()), plain).map_err(ApiError::internal)?;
        match self.store.access_token_store(claim, &sealed, fetched.expires_at).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(appid = app.id(), "WeChat returned an access token after its claim had expired");
            }
            Err(error) => {
                tracing::warn!(appid = app.id(), cause = error.source(), "an access token could not be stored");
            }
        }
        let held = CachedToken::new(fetched.token, fetched.expires_at);
        // a short-lived token is used for half of its lifetime, so that not every call renews it
        let halfway = fetched.requested_at + fetched.expires_at.since(fetched.requested_at) / 2;
        Ok(CachedToken { renew_at: held.renew_at.max(halfway), ..held })
    }

    /// Encrypts the stored tokens with the newest key. A token that no key decrypts is renewed when it is needed.
    pub(super) async fn reseal_access_tokens(&self) -> Result<(), ApiError> {
        for row in self.store.access_tokens().await? {
            let Some(sealed) = &row.sealed_token else { continue };
            let resealed = self.keys.reseal(&access_token_context(&row.app_id), sealed).map_err(ApiError::internal)?;
            if let Some(resealed) = resealed.filter(|resealed| resealed != sealed) {
                self.store.access_token_reseal(&row, &resealed).await?;
            }
        }
        Ok(())
    }

    /// Decrypts the token of a row; `None` if there is none, or no key decrypts it.
    fn open_token(&self, row: &access_token::Model) -> Option<CachedToken> {
        let opened = self.keys.open(&access_token_context(&row.app_id), row.sealed_token.as_ref()?)?;
        let token = str::from_utf8(opened.expose_secret()).ok()?;
        Some(CachedToken::new(token.into(), row.expires_at))
    }
}

/// The associated data (AAD) of an encrypted token: it decrypts for its own app only.
fn access_token_context(app_id: &str) -> [&str; 2] {
    ["access_token", app_id]
}

impl From<&Self> for CachedToken {
    fn from(held: &Self) -> Self {
        held.clone()
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessTokens(..)")
    }
}
