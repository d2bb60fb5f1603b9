//! Exchanges a login code: claims it between nodes, queues it, sends it to WeChat once, and stores a refusal for
//! repeats.

use std::{error::Error, sync::Arc, time::Duration};

use entity::{CodeHash, Timestamp};
use moka::future::Cache;
use tracing::Instrument;

use super::{
    attempt::LoginAttempt,
    code_claim::{ClaimResult, claim_lifetime},
    code_outcome::{self, StoredLogin, StoredOutcome},
    exchange_queue::ExchangeQueue,
};
use crate::{
    account::{
        Accounts,
        single_flight::{Flight, SingleFlight},
    },
    config,
    error::{ApiError, Code},
    log_context,
    store::{CodeClaim, CodeOutcome},
    wechat::CodeSession,
};

/// Maximum number of exchanged codes whose login could not be written.
const MAX_UNWRITTEN: u64 = 10_000;

/// The exchanges of this node.
#[derive(Debug)]
pub(in crate::account) struct CodeExchanges {
    /// The logins in progress, and those of the last repeat window.
    pub(super) in_flight: SingleFlight<CodeHash, StoredLogin>,
    /// Codes that WeChat accepted and whose login could not be written.
    pub(super) unwritten: Cache<CodeHash, ExchangedCode>,
    /// Codes that wait for a call to WeChat.
    pub(super) queue: ExchangeQueue,
    /// How long repeats of a code get the outcome of the first exchange.
    pub(super) repeat_window: Duration,
    /// How long a node's claim of a code lasts.
    pub(super) claim_lifetime: Duration,
}

/// A code that WeChat accepted. The claim is `None` if nodes do not share outcomes.
#[derive(Clone, Debug)]
pub(super) struct ExchangedCode {
    pub(super) claim: Option<CodeClaim>,
    pub(super) session: CodeSession,
}

impl CodeExchanges {
    /// No exchanges yet.
    pub(in crate::account) fn new(settings: &config::Wechat) -> Self {
        let (repeat_window, timeout) = (settings.repeat_window, settings.timeout);
        let calls = usize::try_from(settings.calls_in_flight).unwrap_or(usize::MAX);
        Self {
            in_flight: SingleFlight::new(repeat_window),
            unwritten: Cache::builder().max_capacity(MAX_UNWRITTEN).time_to_live(repeat_window).build(),
            queue: ExchangeQueue::new(calls, timeout),
            repeat_window,
            claim_lifetime: claim_lifetime(settings),
        }
    }
}

impl LoginAttempt {
    /// Exchanges the code at WeChat, unless another node has done so, or this node has and could not write the login.
    pub(super) async fn exchange(
        &self,
        unwritten: Option<ExchangedCode>,
    ) -> Result<Flight<ExchangedCode, StoredLogin>, ApiError> {
        let claim = if self.accounts.exchanges.repeat_window.is_zero() {
            None
        } else {
            let held = unwritten.as_ref().and_then(|exchanged| exchanged.claim.as_ref());
            match self.accounts.claim_code(self.app.id(), &self.hash, held, self.outdated).await? {
                ClaimResult::Ours(claim) => Some(claim),
                ClaimResult::Theirs(outcome) => return outcome.map(Flight::Replayed),
            }
        };
        let session = match unwritten {
            Some(exchanged) => exchanged.session,
            None => self.call(claim.as_ref()).await?,
        };
        Ok(Flight::Fresh(ExchangedCode { claim, session }))
    }

    /// Calls WeChat, once the queue and the app's rate limit admit the call.
    pub(super) async fn call(&self, claim: Option<&CodeClaim>) -> Result<CodeSession, ApiError> {
        let code = self.code.as_ref().ok_or(Code::InvalidCode)?;
        let called = async {
            // held even if the caller is cancelled, because the exchange continues
            let _slot = self.accounts.exchanges.queue.slot(self.client.address).await?;
            self.accounts.limits.app_login(self.app.id()).await?;
            self.accounts.wechat.code_session(&self.app, code).await
        };
        let outcome = called.await;
        if let Err(error) = &outcome {
            self.resolve_claim(claim.cloned(), error.clone(), self.accounts.clock.now()).await;
        }
        outcome
    }

    /// Resolves the claim after an error. A transient error releases the code before the client gets its response,
    /// because the client may repeat the code at once. A final error is stored for repeats, in the background.
    pub(super) async fn resolve_claim(&self, claim: Option<CodeClaim>, error: ApiError, now: Timestamp) {
        let Some(claim) = claim else { return };
        let (accounts, app_id) = (Arc::clone(&self.accounts), self.app.id().to_owned());
        if error.is_transient() {
            let released = accounts.store.code_exchange_release(&claim).await;
            return warn_unless_done(&app_id, released.map_err(ApiError::from));
        }
        let store = async move {
            let stored = accounts.store_refusal(&app_id, claim, error, now).await;
            warn_unless_done(&app_id, stored);
        };
        tokio::spawn(log_context::inherit(store.in_current_span()));
    }
}

impl Accounts {
    /// Stores a refusal for repeats; `false` if another node has taken the claim over.
    async fn store_refusal(
        &self,
        app_id: &str,
        claim: CodeClaim,
        error: ApiError,
        now: Timestamp,
    ) -> Result<bool, ApiError> {
        let outcome = self.code_outcome(app_id, &claim, &Err(error), now)?;
        Ok(self.store.code_exchange_store_outcome(outcome).await?)
    }

    /// The encrypted outcome of a claimed code, valid for the repeat window from `now` on.
    pub(super) fn code_outcome(
        &self,
        app_id: &str,
        claim: &CodeClaim,
        outcome: &StoredOutcome,
        now: Timestamp,
    ) -> Result<CodeOutcome, ApiError> {
        let sealed = code_outcome::seal(&self.keys, app_id, &claim.code, outcome)?;
        Ok(CodeOutcome { claim: claim.clone(), sealed, until: now + self.exchanges.repeat_window })
    }
}

/// Logs that an outcome was not stored. The other nodes then wait until the claim expires and call WeChat themselves.
fn warn_unless_done(app_id: &str, done: Result<bool, ApiError>) {
    match done {
        Ok(true) => {}
        Ok(false) => tracing::warn!(appid = app_id, "WeChat answered after the claim of the code had expired"),
        Err(error) => {
            tracing::warn!(appid = app_id, cause = error.source(), "the outcome of a code could not be stored");
        }
    }
}
