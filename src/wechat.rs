//! The client of WeChat's API: exchanges a login code for the user's openid and session key, fetches access tokens, and
//! makes the calls that need one. It holds no state of accounts: `account` decides which access token a call uses.
//!
//! A code works once. The caller decides whether to send a code; here it is resent only where the first call cannot have
//! consumed it (`endpoint`). An app whose calls hang or fail neither exhausts the server nor keeps its users waiting
//! (`bulkhead`, `breaker`).

mod access_token;
mod answer;
mod app;
mod breaker;
mod bulkhead;
mod code;
mod code_session;
mod content_check;
mod encrypted_data;
mod endpoint;
mod error;
mod host_health;
mod http;
mod phone_number;
mod push;
mod request;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use secrecy::SecretString;
use tracing::Instrument;

use self::endpoint::Endpoint;
pub use self::{
    access_token::AccessToken,
    app::App,
    code::LoginCode,
    code_session::CodeSession,
    content_check::{Suggest, Verdict, image_check, text_check},
    encrypted_data::{
        DataFault, EncryptedData, check_watermark, is_signed_by, known_members, signed_object,
        vector as initialization_vector,
    },
    phone_number::{PhoneCode, PhoneNumber, phone_number},
    push::{PushEvent, PushKeys, PushKind, PushQuery, PushRefusal, Revoked},
    request::{Called, Request},
};
use crate::{
    clock::SharedClock,
    config,
    error::{ApiError, Code},
};

/// The client of WeChat. Cheap to clone.
#[derive(Clone)]
pub struct Wechat(Arc<Inner>);

struct Inner {
    apps: Vec<Arc<App>>,
    endpoint: Endpoint,
}

impl Wechat {
    /// A client of the configured hosts, for the configured mini programs.
    ///
    /// # Errors
    /// When a host is no URL, or the machine has no TLS roots to trust while a host is `https`.
    pub fn new(settings: &config::Wechat, clock: SharedClock) -> Result<Self, reqwest::Error> {
        let apps = settings.apps.iter().map(|app| Arc::new(App::new(app, settings, &clock))).collect();
        let endpoint = Endpoint::new(settings, clock)?;
        Ok(Self(Arc::new(Inner { apps, endpoint })))
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

    /// The apps, each with the scope of its unionids.
    #[must_use]
    pub fn open_platforms(&self) -> Vec<(String, String)> {
        self.0.apps.iter().map(|app| (app.id().to_owned(), app.open_platform().to_owned())).collect()
    }

    /// Exchanges a code for the user's openid and session key. Sends the code even if it was sent before.
    ///
    /// # Errors
    /// `INVALID_CODE`, `CODE_USED`, `LOGIN_BLOCKED`, `RATE_LIMITED`, `PROVIDER_UNAVAILABLE`, `PROVIDER_MISCONFIGURED`,
    /// and `OVERLOADED` where too many calls for the app are in flight.
    pub async fn code_session(&self, app: &App, code: &LoginCode) -> Result<CodeSession, ApiError> {
        let span = tracing::debug_span!("wechat_code_session", appid = app.id());
        let exchange = code_session::exchange(&self.0.endpoint, app, code).instrument(span);
        Ok(app.login.run(app.id(), "sns/jscode2session", exchange).await??)
    }

    /// Asks for the access token of an app. It is the one WeChat gave before, until less than five minutes of it are left.
    ///
    /// # Errors
    /// `RATE_LIMITED`, `PROVIDER_UNAVAILABLE`, `PROVIDER_MISCONFIGURED`, `OVERLOADED`.
    pub async fn access_token(&self, app: &App) -> Result<AccessToken, ApiError> {
        let span = tracing::debug_span!("wechat_access_token", appid = app.id());
        let fetch = access_token::fetch(&self.0.endpoint, app).instrument(span);
        Ok(app.api.run(app.id(), "cgi-bin/stable_token", fetch).await??)
    }

    /// Makes a call with an access token.
    ///
    /// # Errors
    /// What WeChat refuses, by the table of its errcodes; `PROVIDER_UNAVAILABLE`, and `OVERLOADED` where too many calls for
    /// the app are in flight.
    pub async fn call<T>(&self, app: &App, token: &SecretString, request: &Request<T>) -> Result<Called<T>, ApiError> {
        let span = tracing::debug_span!("wechat_call", appid = app.id(), call = request.name());
        let sent = request.send(&self.0.endpoint, app, token).instrument(span);
        match app.api.run(app.id(), request.name(), sent).await? {
            Ok(answer) => Ok(Called::Answered(answer)),
            Err(failure) if failure.is_about_the_token() => Ok(Called::TokenRefused(failure.into())),
            Err(failure) => Err(failure.into()),
        }
    }

    /// What WeChat refuses about the server's own settings, by appid: `40125 invalid appsecret`, for `readyz`.
    #[must_use]
    pub fn misconfigured(&self) -> Vec<(String, String)> {
        self.0.apps.iter().filter_map(|app| Some((app.id().to_owned(), app.misconfiguration()?))).collect()
    }
}

impl fmt::Debug for Wechat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wechat").field("apps", &self.0.apps).finish_non_exhaustive()
    }
}
