//! Runs the work of a key once: callers of the same key share its outcome while it runs, and for a window after it.

use std::{
    fmt,
    hash::Hash,
    time::{Duration, Instant},
};

use moka::{Expiry, future::Cache, policy::EvictionPolicy};
use tracing::Instrument;

use crate::{error::ApiError, log_context};

/// Outcomes kept at once.
const CAPACITY: u64 = 10_000;

/// The work in progress by key, and the outcomes of the last window.
pub(super) struct SingleFlight<K, V> {
    outcomes: Cache<K, Shared<V>>,
    window: Duration,
}

/// Where a successful outcome comes from.
#[derive(Debug)]
pub(super) enum Flight<T, V> {
    /// The caller's own work.
    Fresh(T),
    /// Work of another caller, at the same time or earlier.
    Replayed(V),
}

/// An outcome as other callers get it.
#[derive(Clone)]
struct Shared<V> {
    outcome: Result<V, ApiError>,
    kept_for: Duration,
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// No work yet; outcomes are kept for `window`.
    pub(super) fn new(window: Duration) -> Self {
        let outcomes = Cache::builder()
            .max_capacity(CAPACITY)
            // the default policy may turn a new entry away for one that was asked for more often
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

    /// Runs `work`, or shares the outcome of the key's earlier or concurrent work. The work runs in a task of its own, so
    /// that cancelling a caller does not cancel it.
    ///
    /// Concurrent callers share every outcome. Later ones do not share a success that the work itself replayed, which has
    /// had its window elsewhere, nor a transient error.
    ///
    /// # Errors
    /// Those of the work.
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
    fn kept(outcome: Result<V, ApiError>, kept_for: Duration) -> Self {
        Self { outcome, kept_for }
    }

    fn dropped(outcome: Result<V, ApiError>) -> Self {
        Self::kept(outcome, Duration::ZERO)
    }
}

/// Lets the cache keep each outcome for as long as it says.
struct PerOutcome;

impl<K, V> Expiry<K, Shared<V>> for PerOutcome {
    fn expire_after_create(&self, _: &K, shared: &Shared<V>, _: Instant) -> Option<Duration> {
        Some(shared.kept_for)
    }

    // an outcome that has expired but is still there is updated
    fn expire_after_update(&self, _: &K, shared: &Shared<V>, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(shared.kept_for)
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SingleFlight(..)")
    }
}

#[cfg(test)]
mod tests;
