//! The client of WeChat's `sns/jscode2session`: trades a login code for the user's openid and session key.
//!
//! A code works once, and whoever sends it twice loses it. So one code is sent once however many ask this process for it
//! (`repeats`; that other processes do not send it either is the business of who calls), and to a second host only where
//! the first cannot have consumed it (`code_session`). An app whose calls hang or fail takes neither the server (`app`:
//! so many calls in flight) nor its users' patience (`breaker`) with it.

mod app;
mod breaker;
mod code;
mod code_session;
mod error;
mod hosts;
mod http;
mod repeats;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use entity::CodeHash;

pub use self::{
    app::App,
    code::LoginCode,
    code_session::CodeSession,
    repeats::{Exchanged, Outcome},
};
use self::{code_session::Endpoint, error::Failure, repeats::Repeats};
use crate::{
    clock::SharedClock,
    config,
    error::{ApiError, Code},
};

/// WeChat, as the server calls it. Cheap to clone.
#[derive(Clone)]
pub struct Wechat(Arc<Inner>);

struct Inner {
    apps: Vec<Arc<App>>,
    endpoint: Endpoint,
    repeats: Repeats,
    longest_call: Duration,
}

impl Wechat {
    /// A client of the configured hosts, for the configured mini programs.
    ///
    /// # Errors
    /// When a host is no URL, or the machine has no TLS roots to trust while a host is `https`.
    pub fn new(settings: &config::Wechat, clock: SharedClock) -> Result<Self, reqwest::Error> {
        let apps = settings.apps.iter().map(|app| Arc::new(App::new(app, settings, &clock))).collect();
        let endpoint = Endpoint::new(settings, clock)?;
        let repeats = Repeats::new(settings.repeat_window);
        Ok(Self(Arc::new(Inner { apps, endpoint, repeats, longest_call: longest_call(settings) })))
    }

    /// The app a login is for: the first one where the client names none.
    ///
    /// # Errors
    /// `UNKNOWN_APP` when it is not configured.
    pub fn app(&self, requested: Option<&str>) -> Result<&Arc<App>, ApiError> {
        let found = match requested.filter(|id| !id.is_empty()) {
            None => self.0.apps.first(),
            Some(id) => self.0.apps.iter().find(|app| app.id() == id),
        };
        found.ok_or_else(|| Code::UnknownApp.into())
    }

    /// The outcome of `exchange`. Whoever asks for the same code meanwhile, or soon after, gets the same one; a caller
    /// that goes away does not stop the exchange.
    ///
    /// # Errors
    /// Those of the exchange.
    pub async fn once(&self, code: CodeHash, exchange: impl Future<Output = Exchanged> + Send + 'static) -> Outcome {
        self.0.repeats.once(code, exchange).await
    }

    /// How long the outcome of a code is given to who asks again.
    #[must_use]
    pub fn repeat_window(&self) -> Duration {
        self.0.repeats.window
    }

    /// How long a call may take, all told.
    #[must_use]
    pub fn longest_call(&self) -> Duration {
        self.0.longest_call
    }

    /// Trades a code for the user's openid and session key: sends it, whoever else may have. To be called by what
    /// `once` is given.
    ///
    /// # Errors
    /// `INVALID_CODE`, `CODE_USED`, `LOGIN_BLOCKED`, `RATE_LIMITED`, `PROVIDER_UNAVAILABLE`, `PROVIDER_MISCONFIGURED`,
    /// and `OVERLOADED` where too many calls for the app are in flight.
    pub async fn code_session(&self, app: &App, code: &LoginCode) -> Outcome {
        // Asked twice: before the queue, so that a rest is told at once; after it, so that the queue respects the rest.
        app.breaker.check()?;
        let _permit = app.permit().await?;
        let pass = app.breaker.admit()?;
        let outcome = self.0.endpoint.code_session(app, code).await;
        if pass.end(!outcome.as_ref().is_err_and(Failure::is_outage)) {
            tracing::error!(appid = app.id(), "WeChat failed too often in a row and is given a rest");
        }
        app.note(&outcome);
        outcome.map_err(ApiError::from)
    }

    /// What WeChat refuses about the server's own settings, by appid: `40125 invalid appsecret`, for `readyz`.
    #[must_use]
    pub fn misconfigured(&self) -> Vec<(String, String)> {
        self.0.apps.iter().filter_map(|app| Some((app.id().to_owned(), app.fault()?))).collect()
    }
}

/// Waiting for its turn, then asking each host.
fn longest_call(settings: &config::Wechat) -> Duration {
    let hosts = u32::try_from(settings.hosts.len()).unwrap_or(u32::MAX);
    settings.timeout.saturating_mul(hosts.saturating_add(1))
}

impl fmt::Debug for Wechat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wechat").field("apps", &self.0.apps).finish_non_exhaustive()
    }
}
