//! Runs the work of a key once (single flight): callers with the same key share its outcome while it runs, and for a
//! window afterwards.

use std::{
    fmt,
    hash::Hash,
    time::{Duration, Instant},
};

use moka::{Expiry, future::Cache, policy::EvictionPolicy};
use tracing::Instrument;

use crate::{error::ApiError, log_context};

/// Maximum number of outcomes kept.
const CAPACITY: u64 = 10_000;

/// The work in progress by key, and the outcomes of the last window.
pub(super) struct SingleFlight<K, V> {
    outcomes: Cache<K, Shared<V>>,
    window: Duration,
}

/// The source of a successful outcome.
#[derive(Debug)]
pub(super) enum Flight<T, V> {
    /// The caller's own work.
    Fresh(T),
    /// The work of another caller, concurrent or earlier.
    Replayed(V),
}

/// An outcome as shared with other callers.
#[derive(Clone)]
struct Shared<V> {
    outcome: Result<V, ApiError>,
    ttl: Duration,
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A `SingleFlight` that keeps outcomes for `window`.
    pub(super) fn new(window: Duration) -> Self {
        let outcomes = Cache::builder()
            .max_capacity(CAPACITY)
            // the default policy may reject a new entry in favour of one that is used more often
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(PerOutcome)
            .build();
        Self { outcomes, window }
    }

    /// Removes the outcome of a key.
    pub(super) async fn invalidate(&self, key: &K) {
        self.outcomes.invalidate(key).await;
    }

    /// Whether the outcome of earlier work is kept.
    pub(super) fn has_outcome(&self, key: &K) -> bool {
        self.outcomes.contains_key(key)
    }

    /// Runs `work`, or shares the outcome of earlier or concurrent work with the same key. The work runs in a task of
    /// its own, so that cancelling a caller does not cancel it.
    ///
    /// Concurrent callers share every outcome. Later callers do not share a transient error, nor a success that the
    /// work itself replayed, because its window has already begun on another node.
    ///
    /// # Errors
    /// Those of the work; `INTERNAL_SERVER_ERROR` if it panics.
    pub(super) async fn run<T>(
        &self,
        key: K,
        work: impl Future<Output = Result<Flight<T, V>, ApiError>> + Send + 'static,
    ) -> Result<Flight<T, V>, ApiError>
    where
        T: Send + 'static,
        V: for<'a> From<&'a T>,
    {
        let (outcomes, window) = (self.outcomes.clone(), self.window);
        let task = async move {
            let mut fresh = None;
            let shared = async {
                match work.await {
                    Ok(Flight::Fresh(value)) => Shared::kept(Ok(V::from(fresh.insert(value))), window),
                    Ok(Flight::Replayed(value)) => Shared::dropped(Ok(value)),
                    Err(error) if error.is_transient() => Shared::dropped(Err(error)),
                    Err(error) => Shared::kept(Err(error), window),
                }
            };
            let shared = outcomes.entry(key).or_insert_with(shared).await.into_value();
            match fresh {
                Some(value) => Ok(Flight::Fresh(value)),
                None => shared.outcome.map(Flight::Replayed),
            }
        };
        tokio::spawn(log_context::inherit(task.in_current_span()))
            .await
            .unwrap_or_else(|panic| Err(ApiError::internal(panic)))
    }
}

impl<V> Shared<V> {
    fn kept(outcome: Result<V, ApiError>, ttl: Duration) -> Self {
        Self { outcome, ttl }
    }

    fn dropped(outcome: Result<V, ApiError>) -> Self {
        Self::kept(outcome, Duration::ZERO)
    }
}

/// Expires each outcome after its own lifetime.
struct PerOutcome;

impl<K, V> Expiry<K, Shared<V>> for PerOutcome {
    fn expire_after_create(&self, _: &K, shared: &Shared<V>, _: Instant) -> Option<Duration> {
        Some(shared.ttl)
    }

    // an expired outcome that is still in the cache is updated
    fn expire_after_update(&self, _: &K, shared: &Shared<V>, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(shared.ttl)
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SingleFlight(..)")
    }
}

#[cfg(test)]
mod tests;
