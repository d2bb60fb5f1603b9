//! The circuit breaker of one app: after many failures in a row it opens for a moment, then admits one probe at a time.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::Timestamp;

use crate::{
    clock::SharedClock,
    error::{ApiError, Code},
};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 20;
/// How long it stays open before a probe is admitted.
const OPEN_FOR: Duration = Duration::from_secs(5);
/// How long callers wait while a probe is in flight.
const PROBE: Duration = Duration::from_secs(1);

pub(super) struct Breaker {
    clock: SharedClock,
    state: Mutex<State>,
}

enum State {
    Closed { failures: u32 },
    Open { since: Timestamp, probing: bool },
}

/// The breaker is open; a retry is useful after so long.
#[derive(Debug, thiserror::Error)]
#[error("WeChat failed too often in a row and is not called for a moment")]
pub(super) struct BreakerOpen(Duration);

/// Permission for one call. Dropping it unused changes nothing.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether a call would be let through.
    pub(super) fn check(&self) -> Result<(), BreakerOpen> {
        self.refusal(&self.state()).map_or(Ok(()), |wait| Err(BreakerOpen(wait)))
    }

    pub(super) fn admit(&self) -> Result<Pass<'_>, BreakerOpen> {
        let mut state = self.state();
        self.refusal(&state).map_or(Ok(()), |wait| Err(BreakerOpen(wait)))?;
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
        // A clock that was set back must not keep the breaker open for longer.
        let rest = if now < since { Duration::ZERO } else { OPEN_FOR.saturating_sub(now.since(since)) };
        if rest.is_zero() { probing.then_some(PROBE) } else { Some(rest) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Counts the outcome of the call; true where it opens the breaker.
    pub(super) fn end(self, answered: bool) -> bool {
        let mut state = self.breaker.state();
        let opens = match &mut *state {
            _ if answered => false,
            State::Closed { failures } => {
                *failures += 1;
                *failures >= FAILURES
            }
            // Calls sent before the breaker opened say nothing new.
            State::Open { .. } => self.probe,
        };
        if answered {
            *state = State::Closed { failures: 0 };
        } else if opens {
            *state = State::Open { since: self.breaker.clock.now(), probing: false };
        }
        opens
    }
}

impl Drop for Pass<'_> {
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
    fn breaker_opens_after_twenty_failures_in_a_row() {
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
