//! The client of WeChat's API: exchanges a login code for the user's openid and session key, fetches access tokens, and
//! makes the calls that need an access token. It stores no access token: `account` decides which one a call uses.
//!
//! A code can be used once. The caller decides whether to send it; the client sends it again only if the first call
//! cannot have consumed it (`endpoint`). If the calls of one app hang or fail, the other apps are not affected, and
//! further calls of this app are refused at once (`bulkhead`, `breaker`).

mod access_token;
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
mod response;
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
        DataError, EncryptedData, check_watermark, is_signed_by, known_members, signed_object,
        vector as initialization_vector,
    },
    phone_number::{PhoneCode, PhoneNumber, phone_number},
    push::{PushEvent, PushKeys, PushKind, PushQuery, PushRefusal, Revoked},
    request::{CallOutcome, Request},
};
use crate::{
    clock::SharedClock,
    config,
    error::{ApiError, Code},
};

/// The client of WeChat's API. Clones share their state.
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
    /// When a host is not a valid URL, or when a host is `https` and the machine has no TLS root certificates.
    pub fn new(settings: &config::Wechat, clock: SharedClock) -> Result<Self, reqwest::Error> {
        let apps = settings.apps.iter().map(|app| Arc::new(App::new(app, settings, &clock))).collect();
        let endpoint = Endpoint::new(settings, clock)?;
        Ok(Self(Arc::new(Inner { apps, endpoint })))
    }

    /// The app that a login is for; the first one if the client names none.
    ///
    /// # Errors
    /// `UNKNOWN_APP` if it is not configured.
    pub fn app(&self, requested: Option<&str>) -> Result<&Arc<App>, ApiError> {
        let found = match requested.filter(|id| !id.is_empty()) {
            None => self.0.apps.first(),
            Some(id) => self.0.apps.iter().find(|app| app.id() == id),
        };
        found.ok_or_else(|| Code::UnknownApp.into())
    }

    /// The appid of each app, and the open-platform account that is the scope of its unionids.
    #[must_use]
    pub fn open_platforms(&self) -> Vec<(String, String)> {
        self.0.apps.iter().map(|app| (app.id().to_owned(), app.open_platform().to_owned())).collect()
    }

    /// Exchanges a code for the user's openid and session key. Sends the code even if it was sent before.
    ///
    /// # Errors
    /// `INVALID_CODE`, `CODE_USED`, `LOGIN_BLOCKED`, `RATE_LIMITED`, `PROVIDER_UNAVAILABLE`, `PROVIDER_MISCONFIGURED`,
    /// and `OVERLOADED` if too many calls for the app are in flight.
    pub async fn code_session(&self, app: &App, code: &LoginCode) -> Result<CodeSession, ApiError> {
        let span = tracing::debug_span!("wechat_code_session", appid = app.id());
        let exchange = code_session::exchange(&self.0.endpoint, app, code).instrument(span);
        Ok(app.login.run(app.id(), "sns/jscode2session", exchange).await??)
    }

    /// Fetches the access token of an app. WeChat returns the same token until less than five minutes of it are left.
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
    /// The error of WeChat's errcode, by the table in `error`; `PROVIDER_UNAVAILABLE`; `OVERLOADED` if too many calls
    /// for the app are in flight.
    pub async fn call<T>(
        &self,
        app: &App,
        token: &SecretString,
        request: &Request<T>,
    ) -> Result<CallOutcome<T>, ApiError> {
        let span = tracing::debug_span!("wechat_call", appid = app.id(), call = request.name());
        let sent = request.send(&self.0.endpoint, app, token).instrument(span);
        match app.api.run(app.id(), request.name(), sent).await? {
            Ok(value) => Ok(CallOutcome::Success(value)),
            Err(failure) if failure.is_invalid_token() => Ok(CallOutcome::TokenRefused(failure.into())),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The errors of the server's settings that WeChat reported, by appid, for `/readyz`: `40125 invalid appsecret`.
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
