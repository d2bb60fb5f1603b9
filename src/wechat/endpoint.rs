//! WeChat's API as calls meet it: the hosts in their order, and when a call is sent once more.

use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::{
    App,
    answer::Answer,
    error::Failure,
    host_health::{Host, Hosts},
    http::Http,
};
use crate::{clock::SharedClock, config, random};

/// How long to wait before the only host is called again; up to as much again is added as jitter.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Endpoint {
    http: Http,
    hosts: Hosts,
    clock: SharedClock,
    timeout: Duration,
}

/// One call: what is sent, and which errcodes are answers to it rather than refusals.
#[derive(Clone)]
pub(super) struct Call {
    path: &'static str,
    query: Vec<(&'static str, SecretString)>,
    body: Option<SecretString>,
    answers: &'static [i64],
}

impl Call {
    /// A GET.
    pub(super) fn get(path: &'static str, query: Vec<(&'static str, SecretString)>) -> Self {
        Self { path, query, body: None, answers: &[] }
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

    /// The same call, to which these errcodes are answers.
    pub(super) fn answered_by(self, answers: &'static [i64]) -> Self {
        Self { answers, ..self }
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

    /// Calls one host, and again only where the call cannot have had an effect (a code is consumed by the first): the next
    /// host, each at most once, or the only one after a pause.
    pub(super) async fn send(&self, app: &App, call: &Call) -> Result<Answer, Failure> {
        let started = self.clock.steady();
        let outcome = self.call_each_host(app, call).await;
        match self.hosts.only() {
            Some(host) if outcome.as_ref().is_err_and(Failure::may_resend) => {
                let pause = jittered(PAUSE);
                // both calls have the time of one
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

    async fn call_each_host(&self, app: &App, call: &Call) -> Result<Answer, Failure> {
        let mut last = Failure::Unreadable("missing: there is no host");
        for host in self.hosts.in_order(self.clock.now()) {
            match self.call(host, call, self.timeout).await {
                Err(failure) if failure.may_resend() => last = failure,
                outcome => return outcome,
            }
            if matches!(last, Failure::Unreachable(_)) {
                host.mark_down(self.clock.now());
            }
            tracing::warn!(appid = app.id(), host = host.name(), failure = %last, "this host of WeChat failed");
        }
        Err(last)
    }

    #[cfg(test)]
    pub(super) fn hosts_in_order(&self) -> Vec<String> {
        self.hosts.in_order(self.clock.now()).iter().map(|host| host.url().to_string()).collect()
    }

    async fn call(&self, host: &Host, call: &Call, timeout: Duration) -> Result<Answer, Failure> {
        let url = url(host.url(), call)?;
        let asked_at = self.clock.now();
        let body = match &call.body {
            None => self.http.get(url, timeout).await?,
            Some(body) => self.http.post(url, body.expose_secret().to_owned(), timeout).await?,
        };
        Answer::read(&body, asked_at, call.answers)
    }
}

fn url(host: &Url, call: &Call) -> Result<Url, Failure> {
    let mut url = host.join(call.path).map_err(|_| Failure::Unreadable("missing: its address is none"))?;
    if !call.query.is_empty() {
        let pairs = call.query.iter().map(|(name, value)| (name, value.expose_secret()));
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(url)
}

/// `pause`, and up to as much again.
fn jittered(pause: Duration) -> Duration {
    pause + pause * u32::from(u8::from_be_bytes(random::bytes())) / u32::from(u8::MAX)
}
