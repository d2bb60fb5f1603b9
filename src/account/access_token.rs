//! The access token of each mini program, and the calls that need one. A node keeps the token in memory; between nodes the
//! database has it, sealed, and a claim there decides which node renews it. Logins need none of this.

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
    login::longest_call,
    pauses::Pauses,
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

/// A token is renewed when less than this is left of it, and a little less on each node by chance: until then WeChat gives
/// the same one, and from then on both are good for five minutes.
const MARGIN: Duration = Duration::from_mins(5);
const JITTER: Duration = Duration::from_mins(1);

/// How long after a renewal that failed the next one is tried, while the old token is good.
const PAUSE: Duration = Duration::from_secs(10);

/// The access tokens of this node.
pub(super) struct AccessTokens {
    held: Mutex<HashMap<String, HeldToken>>,
    /// By app, and the token that WeChat refused, where one is the reason.
    renewals: SingleFlight<(String, Option<TokenDigest>), HeldToken>,
    claim_lifetime: Duration,
}

/// A token as a node holds it.
#[derive(Clone)]
struct HeldToken {
    token: SecretString,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

impl AccessTokens {
    pub(super) fn new(settings: &config::Wechat) -> Self {
        let renewals = SingleFlight::new(Duration::ZERO);
        Self { held: Mutex::default(), renewals, claim_lifetime: longest_call(settings) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, HeldToken>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldToken {
    fn new(token: SecretString, expires_at: Timestamp) -> Self {
        let jitter = JITTER * u32::from(u8::from_be_bytes(random::bytes())) / u32::from(u8::MAX);
        Self { token, renew_at: expires_at - MARGIN.saturating_sub(jitter), expires_at }
    }

    fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.token.expose_secret())
    }
}

impl Accounts {
    /// Makes a call of WeChat's API with the access token of a mini program. Where WeChat knows the token no more, it is
    /// renewed and the call made once again.
    ///
    /// # Errors
    /// `UNKNOWN_APP`; what WeChat refuses, by its code; `PROVIDER_UNAVAILABLE` and `PROVIDER_MISCONFIGURED`, where there is
    /// no token as well; `OVERLOADED`.
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

    /// The app's token: the one in memory, or another where its time is up or WeChat has `refused` it. Callers at the same
    /// time share one renewal, and its failure.
    async fn access_token(
        self: &Arc<Self>,
        app: &Arc<App>,
        refused: Option<TokenDigest>,
    ) -> Result<HeldToken, ApiError> {
        let held = self.access_tokens.lock().get(app.id()).cloned();
        let now = self.clock.now();
        let is_good = |held: &HeldToken| now < held.renew_at.min(held.expires_at) && refused != Some(held.digest());
        if let Some(held) = held.filter(is_good) {
            return Ok(held);
        }
        let renewal = Arc::clone(self).renewal(Arc::clone(app), refused);
        match self.access_tokens.renewals.run((app.id().to_owned(), refused), Box::pin(renewal)).await? {
            Flight::Fresh(held) | Flight::Replayed(held) => Ok(held),
        }
    }

    async fn renewal(
        self: Arc<Self>,
        app: Arc<App>,
        refused: Option<TokenDigest>,
    ) -> Result<Flight<HeldToken, HeldToken>, ApiError> {
        let token = self.shared_token(&app, refused).await?;
        self.access_tokens.lock().insert(app.id().to_owned(), token.clone());
        Ok(Flight::Fresh(token))
    }

    /// The token of the database, which this node renews unless another does.
    async fn shared_token(&self, app: &App, refused: Option<TokenDigest>) -> Result<HeldToken, ApiError> {
        let mut pauses = Pauses::new(self.access_tokens.claim_lifetime);
        loop {
            let row = self.store.access_token(app.id()).await?;
            let now = self.clock.now();
            let is_usable = |held: &HeldToken| now < held.expires_at && refused != Some(held.digest());
            let usable = row.as_ref().and_then(|row| self.opened(row)).filter(is_usable);
            if let Some(fresh) = usable.as_ref().filter(|held| now < held.renew_at) {
                return Ok(fresh.clone());
            }
            let claim = RenewalClaim { app_id: app.id().to_owned(), until: now + self.access_tokens.claim_lifetime };
            if self.store.access_token_claim(row.as_ref(), &claim, now).await? {
                return self.fetched(app, &claim, usable).await;
            }
            match usable {
                // another node renews it, and it is good for a while
                Some(usable) => return Ok(usable),
                None => pauses.next().await?,
            }
        }
    }

    /// A new token from WeChat, stored for all nodes. Where WeChat gives none, the old one serves while it is good.
    async fn fetched(&self, app: &App, claim: &RenewalClaim, usable: Option<HeldToken>) -> Result<HeldToken, ApiError> {
        let fetched = match self.wechat.access_token(app).await {
            Ok(fetched) => fetched,
            Err(error) => {
                self.store.access_token_release(claim).await?;
                let renew_at = self.clock.now() + PAUSE;
                return usable.map(|usable| HeldToken { renew_at, ..usable }).ok_or(error);
            }
        };
        let plain = fetched.token.expose_secret().as_bytes();
        let sealed = self.keys.seal(&access_token_context(app.id()), plain).map_err(ApiError::internal)?;
        match self.store.access_token_store(claim, &sealed, fetched.expires_at).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(appid = app.id(), "WeChat gave a token after the claim of it had expired"),
            Err(error) => tracing::warn!(appid = app.id(), cause = error.source(), "a token could not be stored"),
        }
        let held = HeldToken::new(fetched.token, fetched.expires_at);
        // of a short life half is used, so that not each call asks for another
        let half = fetched.requested_at + fetched.expires_at.since(fetched.requested_at) / 2;
        Ok(HeldToken { renew_at: held.renew_at.max(half), ..held })
    }

    /// Seals the tokens under the newest key. One that no key opens is renewed when it is needed.
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

    /// The token in a row; `None` where there is none, or no key opens it.
    fn opened(&self, row: &access_token::Model) -> Option<HeldToken> {
        let opened = self.keys.open(&access_token_context(&row.app_id), row.sealed_token.as_ref()?)?;
        let token = str::from_utf8(opened.expose_secret()).ok()?;
        Some(HeldToken::new(token.into(), row.expires_at))
    }
}

/// The associated data a token is sealed with: it opens for no other app.
fn access_token_context(app_id: &str) -> [&str; 2] {
    ["access_token", app_id]
}

impl From<&Self> for HeldToken {
    fn from(held: &Self) -> Self {
        held.clone()
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessTokens(..)")
    }
}
