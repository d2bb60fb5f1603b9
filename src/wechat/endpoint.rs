//! Sends calls to WeChat's hosts in their order of preference, and decides when a call is sent again.

use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::{
    App,
    error::Failure,
    host_health::{Host, Hosts},
    http::Http,
    response::ApiResponse,
};
use crate::{clock::SharedClock, config, random};

/// How long to wait before the only host is called again. Jitter of up to the same length is added.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Endpoint {
    http: Http,
    hosts: Hosts,
    clock: SharedClock,
    timeout: Duration,
}

/// A call: its path and parameters, and the errcodes that are not refusals of it.
#[derive(Clone)]
pub(super) struct Call {
    path: &'static str,
    query: Vec<(&'static str, SecretString)>,
    body: Option<SecretString>,
    accepted_errcodes: &'static [i64],
}

impl Call {
    /// A GET.
    pub(super) fn get(path: &'static str, query: Vec<(&'static str, SecretString)>) -> Self {
        Self { path, query, body: None, accepted_errcodes: &[] }
    }

    /// A POST of JSON.
    pub(super) fn post(path: &'static str, body: SecretString) -> Self {
        Self { body: Some(body), ..Self::get(path, Vec::new()) }
    }

    /// The same call with one more parameter.
    pub(super) fn with(mut self, name: &'static str, value: SecretString) -> Self {
        self.query.push((name, value));
        self
    }

    /// The same call, of which these errcodes are not refusals.
    pub(super) fn accepting(self, accepted_errcodes: &'static [i64]) -> Self {
        Self { accepted_errcodes, ..self }
    }

    pub(super) fn path(&self) -> &'static str {
        self.path
    }
}

impl Endpoint {
    pub(super) fn new(settings: &config::Wechat, clock: SharedClock) -> Result<Self, reqwest::Error> {
        let http = Http::new(settings)?;
        let urls: Result<Vec<_>, _> = settings.hosts.iter().map(|host| http.url(&format!("{host}/"))).collect();
        Ok(Self { hosts: Hosts::new(urls?), http, clock, timeout: settings.timeout })
    }

    /// Sends a call to the first host. If the call cannot have had an effect, such as consuming a code, it is sent to
    /// the next host, and to each host at most once; a single host is called again after a pause.
    pub(super) async fn send(&self, app: &App, call: &Call) -> Result<ApiResponse, Failure> {
        let started = self.clock.steady();
        let outcome = self.call_each_host(app, call).await;
        match self.hosts.only() {
            Some(host) if outcome.as_ref().is_err_and(Failure::may_resend) => {
                let pause = jittered(PAUSE);
                // both calls together have the timeout of one
                let left = self.timeout.saturating_sub((self.clock.steady() - started) + pause);
                if left.is_zero() {
                    return outcome;
                }
                tokio::time::sleep(pause).await;
                self.call(host, call, left).await
            }
            _ => outcome,
        }
    }

    async fn call_each_host(&self, app: &App, call: &Call) -> Result<ApiResponse, Failure> {
        let mut last = Failure::Unreadable("no host is configured");
        for host in self.hosts.in_order(self.clock.now()) {
            match self.call(host, call, self.timeout).await {
                Err(failure) if failure.may_resend() => last = failure,
                outcome => return outcome,
            }
            if matches!(last, Failure::Unreachable(_)) {
                host.mark_down(self.clock.now());
            }
            tracing::warn!(appid = app.id(), host = host.name(), failure = %last, "a host of WeChat failed");
        }
        Err(last)
    }

    #[cfg(test)]
    pub(super) fn hosts_in_order(&self) -> Vec<String> {
        self.hosts.in_order(self.clock.now()).iter().map(|host| host.url().to_string()).collect()
    }

    async fn call(&self, host: &Host, call: &Call, timeout: Duration) -> Result<ApiResponse, Failure> {
        let url = url(host.url(), call)?;
        let requested_at = self.clock.now();
        let body = match &call.body {
            None => self.http.get(url, timeout).await?,
            Some(body) => self.http.post(url, body.expose_secret().to_owned(), timeout).await?,
        };
        ApiResponse::read(&body, requested_at, call.accepted_errcodes)
    }
}

fn url(host: &Url, call: &Call) -> Result<Url, Failure> {
    let mut url = host.join(call.path).map_err(|_| Failure::Unreadable("the URL of the call is invalid"))?;
    if !call.query.is_empty() {
        let pairs = call.query.iter().map(|(name, value)| (name, value.expose_secret()));
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(url)
}

/// `pause` with jitter of up to the same length.
fn jittered(pause: Duration) -> Duration {
    pause + pause * u32::from(u8::from_be_bytes(random::bytes())) / u32::from(u8::MAX)
}
