//! The same code is exchanged once, whichever nodes it is sent to: a row under its hash says that it is being exchanged
//! and then, for a short window, what came of it. Within this process `Wechat::once` sees to that already, so that one
//! task at the most asks the database, and a new code costs one statement before the call and one after it.

mod outcome;

use std::{error::Error, sync::Arc, time::Duration};

use entity::{CodeHash, Sealed, Timestamp, code_exchange};
use tracing::Instrument;

use super::Accounts;
use crate::{
    clock::SharedClock,
    error::{ApiError, Code},
    store::{Claim, Store},
    token::KeyRing,
    wechat::{App, Exchanged, LoginCode, Outcome, Wechat},
};

/// What a claim outlives the longest call by: its way to the database and back, and clocks that differ a little.
const MARGIN: Duration = Duration::from_secs(2);

/// How long to wait before looking again what another node was told, and after looking for a while.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// One code on its way to WeChat, with all that its task needs.
struct Exchange {
    store: Store,
    wechat: Wechat,
    keys: Arc<KeyRing>,
    clock: SharedClock,
    app: Arc<App>,
    code: LoginCode,
    hash: CodeHash,
}

/// Who asks WeChat.
enum Turn {
    Ours(Claim),
    /// Another node did, and this came of it.
    Theirs(Outcome),
}

impl Accounts {
    /// Trades a code for the user's openid and session key, once for all who send it at the same time or soon after.
    pub(super) async fn exchange(&self, app: &Arc<App>, code: LoginCode) -> Outcome {
        let exchange = Exchange {
            store: self.store.clone(),
            wechat: self.wechat.clone(),
            keys: Arc::clone(&self.keys),
            clock: Arc::clone(&self.clock),
            app: Arc::clone(app),
            hash: code.hash(app.id()),
            code,
        };
        // in a box, because it is handed on from one to the next before it runs
        self.wechat.once(exchange.hash.clone(), Box::pin(exchange.run())).await
    }
}

impl Exchange {
    async fn run(self) -> Exchanged {
        if self.wechat.repeat_window().is_zero() {
            return Exchanged::Now(self.call().await);
        }
        match self.turn().await {
            Ok(Turn::Ours(claim)) => Exchanged::Now(Arc::new(self).call_and_tell(claim).await),
            Ok(Turn::Theirs(outcome)) => Exchanged::Before(outcome),
            Err(error) => Exchanged::Before(Err(error)),
        }
    }

    /// Waits for what another node is told, or becomes the one who asks: where nobody has, where the one who did gives
    /// the code back or is gone, and where the answer is too old to be given again. WeChat knows then what it is worth.
    async fn turn(&self) -> Result<Turn, ApiError> {
        let mut pauses = Pauses::new(self.patience());
        let mut known = None;
        loop {
            let now = self.clock.now();
            let claim = Claim { code: self.hash.clone(), until: now + self.patience() };
            let won = match known {
                None => self.store.code_exchange_claim(&claim).await?,
                Some(row) if is_over(&row, now) => Box::pin(self.store.code_exchange_take_over(&row, &claim)).await?,
                Some(code_exchange::Model { outcome: Some(outcome), .. }) => {
                    return Ok(Turn::Theirs(self.open(&outcome)));
                }
                Some(_) => pauses.next().await.map(|()| false)?,
            };
            if won {
                return Ok(Turn::Ours(claim));
            }
            known = Box::pin(self.store.code_exchange(&self.hash)).await?;
        }
    }

    async fn call(&self) -> Outcome {
        self.wechat.code_session(&self.app, &self.code).await
    }

    /// Asks WeChat and lets the other nodes know. They wait for that, and nobody here does, but for an outcome that passes:
    /// whoever is told of it may ask again.
    async fn call_and_tell(self: Arc<Self>, claim: Claim) -> Outcome {
        let outcome = self.call().await;
        let passes = outcome.as_ref().is_err_and(ApiError::passes);
        let telling = tokio::spawn(self.tell(claim, outcome.clone()).in_current_span());
        if passes {
            // a panic is in the log already
            let _ = telling.await;
        }
        outcome
    }

    /// Where this fails the others wait in vain and then ask WeChat themselves: no reason to lose what it has told us.
    async fn tell(self: Arc<Self>, claim: Claim, outcome: Outcome) {
        let told = match &outcome {
            Err(error) if error.passes() => {
                Box::pin(self.store.code_exchange_release(&claim)).await.map_err(ApiError::from)
            }
            outcome => self.keep(&claim, outcome).await,
        };
        match told {
            Ok(true) => {}
            Ok(false) => tracing::warn!(appid = self.app.id(), "WeChat was slower than another node's patience"),
            Err(error) => {
                tracing::warn!(appid = self.app.id(), cause = error.source(), "the outcome could not be kept");
            }
        }
    }

    /// Keeps an outcome for who asks again; `false` where another node has taken the code over.
    async fn keep(&self, claim: &Claim, outcome: &Outcome) -> Result<bool, ApiError> {
        let sealed = outcome::seal(&self.keys, self.app.id(), &self.hash, outcome)?;
        let until = self.clock.now() + self.wechat.repeat_window();
        Ok(self.store.code_exchange_keep(claim, sealed, until).await?)
    }

    /// What another node was told. Where this one lacks the key to it, at least the code is known to be used.
    fn open(&self, sealed: &Sealed) -> Outcome {
        outcome::open(&self.keys, self.app.id(), &self.hash, sealed).unwrap_or_else(|| Err(Code::CodeUsed.into()))
    }

    /// After so long, whoever has claimed the code is gone.
    fn patience(&self) -> Duration {
        self.wechat.longest_call() + MARGIN
    }
}

fn is_over(row: &code_exchange::Model, now: Timestamp) -> bool {
    row.expires_at <= now
}

/// Waits between looks at another node's claim.
struct Pauses {
    next: Duration,
    left: Duration,
}

impl Pauses {
    fn new(patience: Duration) -> Self {
        Self { next: FIRST_PAUSE, left: patience + MARGIN }
    }

    /// Waits a little longer each time, and not for ever: where clocks differ, a claim may seem never to end.
    async fn next(&mut self) -> Result<(), ApiError> {
        self.left = self.left.checked_sub(self.next).ok_or(Code::ProviderUnavailable)?;
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
