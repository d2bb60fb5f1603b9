//! The same code is exchanged once: whoever asks while the exchange runs waits for it, and for a short window its
//! outcome is kept for a client that lost its answer. Kept under a hash: codes and openids are not to be found here.

use std::time::Duration;

use moka::{future::Cache, policy::EvictionPolicy};
use tracing::Instrument;

use super::CodeSession;
use crate::error::{Action, ApiError};

const CAPACITY: u64 = 10_000;

/// SHA-256 of appid and code.
pub(super) type Key = [u8; 32];
type Outcome = Result<CodeSession, ApiError>;

pub(super) struct Repeats {
    outcomes: Cache<Key, Outcome>,
    window: Duration,
}

impl Repeats {
    pub(super) fn new(window: Duration) -> Self {
        // The default policy may turn a new entry away for one that was asked for more often.
        let policy = EvictionPolicy::lru();
        let outcomes = Cache::builder().max_capacity(CAPACITY).time_to_live(window).eviction_policy(policy).build();
        Self { outcomes, window }
    }

    /// The outcome of `exchange`, or of the one already made or under way for the key. It runs in a task of its own:
    /// were it dropped with its caller, the next in line would send a code that may be consumed.
    pub(super) async fn once(&self, key: Key, exchange: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
        let (outcomes, window) = (self.outcomes.clone(), self.window);
        let task = async move {
            let exchange = async {
                let outcome = exchange.await;
                if !window.is_zero() && is_final(&outcome) { Ok(outcome) } else { Err(outcome) }
            };
            // To the cache an error is what all who wait are given and nobody after them.
            outcomes.try_get_with(key, exchange).await.unwrap_or_else(|passing| (*passing).clone())
        };
        tokio::spawn(task.in_current_span()).await.unwrap_or_else(|panic| Err(ApiError::internal(panic)))
    }
}

/// Whether asking again would change nothing.
fn is_final(outcome: &Outcome) -> bool {
    outcome.as_ref().map_or_else(|error| !matches!(error.code.action(), Action::Retry | Action::Operator), |_| true)
}
