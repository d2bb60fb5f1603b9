//! The circuit breaker of one app: after many failures in a row calls rest for a moment, then one at a time probes.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::Timestamp;

use crate::{
    clock::SharedClock,
    error::{ApiError, Code},
};

const FAILURES: u32 = 20;
const REST: Duration = Duration::from_secs(5);
const PROBE: Duration = Duration::from_secs(1);

pub(super) struct Breaker {
    clock: SharedClock,
    state: Mutex<State>,
}

enum State {
    Closed { failures: u32 },
    Open { since: Timestamp, probing: bool },
}

/// Calls rest; come back after so long.
#[derive(Debug, thiserror::Error)]
#[error("WeChat failed too often in a row and is given a rest")]
pub(super) struct Resting(Duration);

/// Leave to make one call. Dropped unused, it changes nothing.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether a call would be let through.
    pub(super) fn check(&self) -> Result<(), Resting> {
        self.refusal(&self.state()).map_or(Ok(()), |wait| Err(Resting(wait)))
    }

    pub(super) fn admit(&self) -> Result<Pass<'_>, Resting> {
        let mut state = self.state();
        self.refusal(&state).map_or(Ok(()), |wait| Err(Resting(wait)))?;
        let probe = if let State::Open { probing, .. } = &mut *state {
            *probing = true;
            true
        } else {
            false
        };
        Ok(Pass { breaker: self, probe })
    }

    fn refusal(&self, state: &State) -> Option<Duration> {
        let State::Open { since, probing } = *state else { return None };
        let now = self.clock.now();
        // A clock that was set back must not make the rest longer.
        let rest = if now < since { Duration::ZERO } else { REST.saturating_sub(now.since(since)) };
        if rest.is_zero() { probing.then_some(PROBE) } else { Some(rest) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Counts how the call went; true where this begins a rest.
    pub(super) fn end(self, answered: bool) -> bool {
        let mut state = self.breaker.state();
        let rests = match &mut *state {
            _ if answered => false,
            State::Closed { failures } => {
                *failures += 1;
                *failures >= FAILURES
            }
            // Calls sent before the rest began say nothing new.
            State::Open { .. } => self.probe,
        };
        if answered {
            *state = State::Closed { failures: 0 };
        } else if rests {
            *state = State::Open { since: self.breaker.clock.now(), probing: false };
        }
        rests
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let State::Open { probing, .. } = &mut *self.breaker.state() {
            *probing &= !self.probe;
        }
    }
}

impl From<Resting> for ApiError {
    fn from(resting: Resting) -> Self {
        Self::new(Code::ProviderUnavailable).retry_after(resting.0).cause(resting)
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
    fn rests_after_twenty_failures_in_a_row() {
        let (clock, breaker) = open();
        clock.advance(Duration::from_millis(1500));
        assert_eq!(ApiError::from(breaker.admit().err().unwrap()).retry_after_seconds(), Some(4));
    }

    #[test]
    fn a_success_between_starts_the_count_anew() {
        let breaker = Breaker::new(Arc::new(ManualClock::default()));
        for call in 1..100 {
            breaker.admit().unwrap().end(call % 20 == 0);
        }
        assert!(breaker.check().is_ok());
    }

    #[test]
    fn after_the_rest_one_call_at_a_time_probes() {
        let (clock, breaker) = open();
        clock.advance(REST);
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        assert!(probe.end(false));
        assert!(breaker.admit().is_err());
        clock.advance(REST);
        assert!(!breaker.admit().unwrap().end(true));
        assert!(breaker.admit().is_ok() && breaker.admit().is_ok());
    }

    #[test]
    fn a_probe_that_was_never_made_gives_its_place_back() {
        let (clock, breaker) = open();
        clock.advance(REST);
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_ok());
    }

    #[test]
    fn a_failure_sent_before_the_rest_does_not_prolong_it() {
        let clock = Arc::new(ManualClock::default());
        let breaker = Breaker::new(clock.clone());
        let late = breaker.admit().unwrap();
        for _ in 0..FAILURES {
            breaker.admit().unwrap().end(false);
        }
        clock.advance(REST);
        late.end(false);
        assert!(breaker.admit().is_ok());
    }

    #[test]
    fn a_clock_set_back_does_not_prolong_the_rest() {
        let (clock, breaker) = open();
        clock.set_back(Duration::from_hours(1));
        assert!(breaker.admit().is_ok());
    }
}
