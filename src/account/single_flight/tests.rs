//! Tests of which callers share an outcome, and for how long.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::*;
use crate::error::Code;

/// Longer than a task needs to be woken.
const WHILE: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, PartialEq)]
struct Value(usize);

impl From<&usize> for Value {
    fn from(number: &usize) -> Self {
        Self(*number)
    }
}

/// A `SingleFlight` that counts the runs of its work.
struct Counted {
    flight: SingleFlight<&'static str, Value>,
    runs: Arc<AtomicUsize>,
}

impl Counted {
    fn new(window: Duration) -> Arc<Self> {
        Arc::new(Self { flight: SingleFlight::new(window), runs: Arc::default() })
    }

    /// Runs slow work that ends with `outcome`, called with the number of the run.
    async fn run(
        &self,
        outcome: impl FnOnce(usize) -> Result<Flight<usize, Value>, ApiError> + Send + 'static,
    ) -> Result<Flight<usize, Value>, ApiError> {
        let runs = Arc::clone(&self.runs);
        let work = async move {
            let run = runs.fetch_add(1, SeqCst) + 1;
            sleep(WHILE).await;
            outcome(run)
        };
        self.flight.run("key", work).await
    }

    fn runs(&self) -> usize {
        self.runs.load(SeqCst)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it has the form of a login")]
fn fresh(run: usize) -> Result<Flight<usize, Value>, ApiError> {
    Ok(Flight::Fresh(run))
}

/// The number of the run whose outcome a caller received, negative if it was another caller's run.
fn number(outcome: Result<Flight<usize, Value>, ApiError>) -> i64 {
    match outcome.unwrap() {
        Flight::Fresh(run) => i64::try_from(run).unwrap(),
        Flight::Replayed(Value(run)) => -i64::try_from(run).unwrap(),
    }
}

#[tokio::test]
async fn concurrent_callers_run_the_work_once() {
    for window in [Duration::ZERO, Duration::from_mins(1)] {
        let counted = Counted::new(window);
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let counted = Arc::clone(&counted);
            callers.spawn(async move { number(counted.run(fresh).await) });
        }
        let numbers = callers.join_all().await;
        assert_eq!(counted.runs(), 1);
        assert_eq!(
            (numbers.iter().filter(|it| **it == 1).count(), numbers.iter().filter(|it| **it == -1).count()),
            (1, 99)
        );
    }
}

#[tokio::test]
async fn cancelling_a_caller_does_not_cancel_the_work() {
    let counted = Counted::new(Duration::from_mins(1));
    assert!(timeout(WHILE / 5, counted.run(fresh)).await.is_err());
    assert_eq!((number(counted.run(fresh).await), counted.runs()), (-1, 1));
}

#[tokio::test]
async fn final_outcome_is_shared_within_the_window() {
    let counted = Counted::new(Duration::from_mins(1));
    assert_eq!([number(counted.run(fresh).await), number(counted.run(fresh).await)], [1, -1]);
    let refused = Counted::new(Duration::from_mins(1));
    for _ in 0..2 {
        assert_eq!(refused.run(|_| Err(Code::CodeUsed.into())).await.unwrap_err().code, Code::CodeUsed);
    }
    assert_eq!((counted.runs(), refused.runs()), (1, 1));
}

#[tokio::test]
async fn outcome_is_removed_after_the_window() {
    for window in [Duration::ZERO, WHILE] {
        let counted = Counted::new(window);
        for run in 1..=3 {
            assert_eq!(number(counted.run(fresh).await), run);
            sleep(window + WHILE).await;
        }
    }
}

#[tokio::test]
async fn transient_error_is_shared_by_concurrent_callers_and_not_kept() {
    let counted = Counted::new(Duration::from_mins(1));
    let refuse = |_| Err(Code::ProviderUnavailable.into());
    let (one, other) = tokio::join!(counted.run(refuse), counted.run(refuse));
    assert_eq!(
        (one.unwrap_err().code, other.unwrap_err().code, counted.runs()),
        (Code::ProviderUnavailable, Code::ProviderUnavailable, 1)
    );
    // kept from now on, as a final outcome
    assert_eq!([number(counted.run(fresh).await), number(counted.run(fresh).await)], [2, -2]);
}

#[tokio::test]
async fn replayed_outcome_is_shared_by_concurrent_callers_and_not_kept() {
    let counted = Counted::new(Duration::from_mins(1));
    let replay = |run| Ok(Flight::Replayed(Value(run)));
    let (one, other) = tokio::join!(counted.run(replay), counted.run(replay));
    assert_eq!([number(one), number(other)], [-1, -1]);
    assert_eq!(number(counted.run(replay).await), -2);
}

#[tokio::test]
async fn panicking_work_is_an_error_and_not_kept() {
    let counted = Counted::new(Duration::from_mins(1));
    assert_eq!(counted.run(|_| panic!("a test's own")).await.unwrap_err().code, Code::InternalServerError);
    assert_eq!(number(counted.run(fresh).await), 2);
}
