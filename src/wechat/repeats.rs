//! The same code is exchanged once by this process: whoever asks while the exchange runs waits for it, and for a short
//! window its outcome is kept for a client that lost its answer. Kept under a hash: codes and openids are not to be
//! found here.

use std::time::Duration;

use entity::CodeHash;
use moka::{future::Cache, policy::EvictionPolicy};
use tracing::Instrument;

use super::CodeSession;
use crate::error::ApiError;

const CAPACITY: u64 = 10_000;

/// What comes of a code.
pub type Outcome = Result<CodeSession, ApiError>;

/// What comes of a code, and where.
#[derive(Debug)]
pub enum Exchanged {
    /// WeChat has just told it.
    Now(Outcome),
    /// Somebody else was told it, some time ago: its window is not ours to begin anew.
    Before(Outcome),
}

pub(super) struct Repeats {
    outcomes: Cache<CodeHash, Outcome>,
    pub(super) window: Duration,
}

impl Repeats {
    pub(super) fn new(window: Duration) -> Self {
        // The default policy may turn a new entry away for one that was asked for more often.
        let policy = EvictionPolicy::lru();
        let outcomes = Cache::builder().max_capacity(CAPACITY).time_to_live(window).eviction_policy(policy).build();
        Self { outcomes, window }
    }

    /// The outcome of `exchange`, or of the one already made or under way for the code. It runs in a task of its own:
    /// were it dropped with its caller, the next in line would send a code that may be consumed.
    pub(super) async fn once(
        &self,
        code: CodeHash,
        exchange: impl Future<Output = Exchanged> + Send + 'static,
    ) -> Outcome {
        let (outcomes, window) = (self.outcomes.clone(), self.window);
        let task = async move {
            let exchange = async {
                match exchange.await {
                    Exchanged::Now(outcome) if !window.is_zero() && is_final(&outcome) => Ok(outcome),
                    Exchanged::Now(outcome) | Exchanged::Before(outcome) => Err(outcome),
                }
            };
            // To the cache an error is what all who wait are given and nobody after them.
            outcomes.try_get_with(code, exchange).await.unwrap_or_else(|passing| (*passing).clone())
        };
        tokio::spawn(task.in_current_span()).await.unwrap_or_else(|panic| Err(ApiError::internal(panic)))
    }
}

/// Whether asking again would change nothing.
fn is_final(outcome: &Outcome) -> bool {
    !outcome.as_ref().is_err_and(ApiError::passes)
}
