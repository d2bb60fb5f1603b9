//! A bulkhead for calls of one app: it limits the calls in flight, contains the circuit breaker, and records the errors
//! of the settings that WeChat reports. Logins have a separate bulkhead, so that failing calls with an access token do
//! not affect them.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{breaker::Breaker, error::Failure};
use crate::{
    clock::SharedClock,
    config,
    error::{ApiError, Code},
};

pub(super) struct Bulkhead {
    calls: Semaphore,
    /// How long a call may wait for a permit.
    max_wait: Duration,
    breaker: Breaker,
    /// The error of the settings that WeChat reported, until a call succeeds.
    misconfiguration: Mutex<Option<String>>,
}

impl Bulkhead {
    pub(super) fn new(settings: &config::Wechat, clock: &SharedClock) -> Self {
        Self {
            calls: Semaphore::new(settings.calls_in_flight as usize),
            max_wait: settings.timeout,
            breaker: Breaker::new(clock.clone()),
            misconfiguration: Mutex::new(None),
        }
    }

    /// Waits for a permit, makes a call and records its outcome. `name` is the call's name in the log.
    pub(super) async fn run<T>(
        &self,
        appid: &str,
        name: &str,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Result<T, Failure>, ApiError> {
        // checked before the wait, so that an open breaker refuses at once, and after it, because it may have opened
        // meanwhile
        self.breaker.check()?;
        let _permit = self.permit().await?;
        let pass = self.breaker.admit()?;
        let outcome = call.await;
        if pass.end(!outcome.as_ref().is_err_and(Failure::is_outage)) {
            tracing::error!(
                appid,
                call = name,
                "too many consecutive calls of WeChat failed: the circuit breaker opens"
            );
        }
        self.record(appid, name, outcome.as_ref().err());
        Ok(outcome)
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        match tokio::time::timeout(self.max_wait, self.calls.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(closed)) => Err(ApiError::internal(closed)),
            Err(elapsed) => Err(ApiError::new(Code::Overloaded).cause(elapsed)),
        }
    }

    pub(super) fn misconfiguration(&self) -> Option<String> {
        self.lock_misconfiguration().clone()
    }

    /// Records and logs the outcome of a call. The log has its appid, name, errcode, error code and WeChat's request
    /// id, and nothing else.
    fn record(&self, appid: &str, name: &str, failure: Option<&Failure>) {
        let Some(failure) = failure else {
            *self.lock_misconfiguration() = None;
            return tracing::debug!(appid, call = name, outcome = "OK", "WeChat responded");
        };
        if let Some(misconfiguration) = failure.misconfiguration() {
            *self.lock_misconfiguration() = Some(misconfiguration);
        }
        failure.log(appid, name);
    }

    fn lock_misconfiguration(&self) -> MutexGuard<'_, Option<String>> {
        self.misconfiguration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
