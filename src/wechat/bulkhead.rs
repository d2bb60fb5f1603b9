//! The bulkhead of an app's calls: it limits the calls in flight, has the circuit breaker, and remembers what WeChat refuses
//! about the settings. Logins have a bulkhead of their own, so that failing calls with an access token do not delay them.

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
    /// What WeChat refused about the settings, until a call succeeds.
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

    /// Waits for a permit, makes a call and records its outcome. The log contains `name`.
    pub(super) async fn run<T>(
        &self,
        appid: &str,
        name: &str,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Result<T, Failure>, ApiError> {
        // checked before the queue, so that an open breaker refuses at once, and after it, so that it applies to the queue
        self.breaker.check()?;
        let _permit = self.permit().await?;
        let pass = self.breaker.admit()?;
        let outcome = call.await;
        if pass.end(!outcome.as_ref().is_err_and(Failure::is_outage)) {
            tracing::error!(appid, call = name, "WeChat failed too often in a row and is not called for a moment");
        }
        self.note(appid, name, outcome.as_ref().err());
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

    /// Logs the outcome of a call: appid, the call, errcode, error code and WeChat's request id, nothing else.
    fn note(&self, appid: &str, name: &str, failure: Option<&Failure>) {
        let Some(failure) = failure else {
            *self.lock_misconfiguration() = None;
            return tracing::debug!(appid, call = name, outcome = "OK", "WeChat answered");
        };
        if let Some(refused) = failure.misconfiguration() {
            *self.lock_misconfiguration() = Some(refused);
        }
        failure.log(appid, name);
    }

    fn lock_misconfiguration(&self) -> MutexGuard<'_, Option<String>> {
        self.misconfiguration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
