//! One mini program as the client knows it: its settings, how many of its calls are in flight, how they went.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{CodeSession, breaker::Breaker, error::Failure};
use crate::{
    clock::SharedClock,
    config,
    error::{ApiError, Code},
};

/// A configured mini program.
pub struct App {
    settings: config::App,
    calls: Semaphore,
    /// How long a call may wait for its turn.
    patience: Duration,
    pub(super) breaker: Breaker,
    /// What WeChat said of the settings, until a login works.
    fault: Mutex<Option<String>>,
}

impl App {
    pub(super) fn new(app: &config::App, settings: &config::Wechat, clock: &SharedClock) -> Self {
        Self {
            settings: app.clone(),
            calls: Semaphore::new(settings.calls_in_flight as usize),
            patience: settings.timeout,
            breaker: Breaker::new(clock.clone()),
            fault: Mutex::new(None),
        }
    }

    /// Its appid.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// Name of the open-platform account it is bound to: the scope of its unionids.
    #[must_use]
    pub fn open_platform(&self) -> &str {
        &self.settings.open_platform
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.settings.secret
    }

    /// Waits for its turn among the app's calls in flight.
    pub(super) async fn permit(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        match tokio::time::timeout(self.patience, self.calls.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(closed)) => Err(ApiError::internal(closed)),
            Err(elapsed) => Err(ApiError::new(Code::Overloaded).cause(elapsed)),
        }
    }

    pub(super) fn fault(&self) -> Option<String> {
        self.lock_fault().clone()
    }

    /// Remembers and logs how a call went: appid, errcode, outcome and WeChat's own id of the call, nothing else.
    pub(super) fn note(&self, outcome: &Result<CodeSession, Failure>) {
        let Err(failure) = outcome else {
            *self.lock_fault() = None;
            return tracing::debug!(appid = self.id(), outcome = "OK", "WeChat took a code");
        };
        if let Some(fault) = failure.of_our_settings() {
            *self.lock_fault() = Some(fault);
        }
        failure.log(self.id());
    }

    fn lock_fault(&self) -> MutexGuard<'_, Option<String>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.settings.id).finish_non_exhaustive()
    }
}
