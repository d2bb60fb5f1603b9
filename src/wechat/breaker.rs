//! The circuit breaker of one bulkhead: after many consecutive failures it opens, and after a few seconds it admits one
//! probe at a time.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::Timestamp;

use crate::{
    clock::SharedClock,
    error::{ApiError, Code},
};

/// Consecutive failures that open the breaker.
const FAILURES: u32 = 20;
/// How long the breaker stays open before it admits a probe.
const OPEN_FOR: Duration = Duration::from_secs(5);
/// The `retryAfter` of refused calls while a probe is in flight.
const PROBE: Duration = Duration::from_secs(1);

pub(super) struct Breaker {
    clock: SharedClock,
    state: Mutex<State>,
}

enum State {
    Closed { failures: u32 },
    Open { since: Timestamp, probing: bool },
}

/// The breaker is open; a retry may succeed after this time.
#[derive(Debug, thiserror::Error)]
#[error("too many consecutive calls of WeChat failed: the circuit breaker is open")]
pub(super) struct BreakerOpen(Duration);

/// The permit for one call. A permit that is dropped without an outcome counts neither as a success nor as a failure.
pub(super) struct CallPermit<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether a call would be admitted now.
    pub(super) fn check(&self) -> Result<(), BreakerOpen> {
        self.refusal(&self.state()).map_or(Ok(()), |wait| Err(BreakerOpen(wait)))
    }

    pub(super) fn admit(&self) -> Result<CallPermit<'_>, BreakerOpen> {
        let mut state = self.state();
        self.refusal(&state).map_or(Ok(()), |wait| Err(BreakerOpen(wait)))?;
        let probe = if let State::Open { probing, .. } = &mut *state {
            *probing = true;
            true
        } else {
            false
        };
        Ok(CallPermit { breaker: self, probe })
    }

    fn refusal(&self, state: &State) -> Option<Duration> {
        let State::Open { since, probing } = *state else { return None };
        let now = self.clock.now();
        // a clock that was set back must not keep the breaker open for longer
        let rest = if now < since { Duration::ZERO } else { OPEN_FOR.saturating_sub(now.since(since)) };
        if rest.is_zero() { probing.then_some(PROBE) } else { Some(rest) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallPermit<'_> {
    /// Counts the outcome of the call. Returns true if it opens the breaker.
    pub(super) fn end(self, is_success: bool) -> bool {
        let mut state = self.breaker.state();
        let opens = match &mut *state {
            _ if is_success => false,
            State::Closed { failures } => {
                *failures += 1;
                *failures >= FAILURES
            }
            // a call that began before the breaker opened does not prolong the open state
            State::Open { .. } => self.probe,
        };
        if is_success {
            *state = State::Closed { failures: 0 };
        } else if opens {
            *state = State::Open { since: self.breaker.clock.now(), probing: false };
        }
        opens
    }
}

impl Drop for CallPermit<'_> {
    fn drop(&mut self) {
        if let State::Open { probing, .. } = &mut *self.breaker.state() {
            *probing &= !self.probe;
        }
    }
}

impl From<BreakerOpen> for ApiError {
    fn from(open: BreakerOpen) -> Self {
        Self::new(Code::ProviderUnavailable).retry_after(open.0).cause(open)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{super::tests::ManualClock, *};

    fn open() -> (Arc<ManualClock>, Breaker) {
        let clock = Arc::new(ManualClock::default());
        let breaker = Breaker::new(clock.clone());
        for _ in 1..FAILURES {
            assert!(!breaker.admit().unwrap().end(false));
        }
        assert!(breaker.admit().unwrap().end(false));
        (clock, breaker)
    }

    #[test]
    fn breaker_opens_after_twenty_consecutive_failures() {
        let (clock, breaker) = open();
        clock.advance(Duration::from_millis(1500));
        assert_eq!(ApiError::from(breaker.admit().err().unwrap()).retry_after_seconds(), Some(4));
    }

    #[test]
    fn success_resets_the_count_of_failures() {
        let breaker = Breaker::new(Arc::new(ManualClock::default()));
        for call in 1..100 {
            breaker.admit().unwrap().end(call % 20 == 0);
        }
        assert!(breaker.check().is_ok());
    }

    #[test]
    fn open_breaker_admits_one_probe_at_a_time() {
        let (clock, breaker) = open();
        clock.advance(OPEN_FOR);
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        assert!(probe.end(false));
        assert!(breaker.admit().is_err());
        clock.advance(OPEN_FOR);
        assert!(!breaker.admit().unwrap().end(true));
        assert!(breaker.admit().is_ok() && breaker.admit().is_ok());
    }

    #[test]
    fn dropped_probe_admits_another() {
        let (clock, breaker) = open();
        clock.advance(OPEN_FOR);
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_ok());
    }

    #[test]
    fn late_failure_does_not_prolong_the_open_state() {
        let clock = Arc::new(ManualClock::default());
        let breaker = Breaker::new(clock.clone());
        let late = breaker.admit().unwrap();
        for _ in 0..FAILURES {
            breaker.admit().unwrap().end(false);
        }
        clock.advance(OPEN_FOR);
        late.end(false);
        assert!(breaker.admit().is_ok());
    }

    #[test]
    fn clock_set_back_does_not_prolong_the_open_state() {
        let (clock, breaker) = open();
        clock.set_back(Duration::from_hours(1));
        assert!(breaker.admit().is_ok());
    }
}
