//! The one HTTP client: short time-outs, no redirects, no proxy, no retries of its own, answers of bounded length.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, Url, header::CONTENT_TYPE, redirect, retry};

use super::error::Failure;
use crate::config;

const MAX_ANSWER: usize = 64 * 1024;
/// Below the 60 s and more after which load balancers close idle connections: a request must not meet a closing one.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Http(Client);

impl Http {
    pub(super) fn new(settings: &config::Wechat) -> Result<Self, reqwest::Error> {
        let plain = |host: &String| host.starts_with("http:");
        let builder = Client::builder()
            .user_agent(concat!("miniaccount/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            // The secret is in the URL: neither a redirect nor a proxy of the environment may carry it elsewhere.
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .https_only(!settings.hosts.iter().any(plain))
            // A code works once. What hyper still repeats by itself it has never begun to write.
            .retry(retry::never())
            .pool_max_idle_per_host(settings.calls_in_flight as usize)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true);
        // Reading the machine's TLS roots takes longer than all the rest of the start: not where nothing needs them.
        let builder = if settings.hosts.iter().all(plain) { builder.tls_certs_only([]) } else { builder };
        builder.build().map(Self)
    }

    /// Reads a host's URL the way the client does, so that a bad one is found at the start.
    pub(super) fn url(&self, url: &str) -> Result<Url, reqwest::Error> {
        self.0.get(url).build().map(|request| request.url().clone()).map_err(reqwest::Error::without_url)
    }

    /// The body of the answer, whatever it says it is, if all of it comes in time.
    pub(super) async fn get(&self, url: Url, timeout: Duration) -> Result<Vec<u8>, Failure> {
        answer(self.0.get(url), timeout).await
    }

    /// The same of a POST of JSON.
    pub(super) async fn post(&self, url: Url, json: String, timeout: Duration) -> Result<Vec<u8>, Failure> {
        answer(self.0.post(url).header(CONTENT_TYPE, "application/json").body(json), timeout).await
    }
}

async fn answer(request: RequestBuilder, timeout: Duration) -> Result<Vec<u8>, Failure> {
    let response = request.timeout(timeout).send().await.map_err(Failure::sending)?;
    if !response.status().is_success() {
        return Err(Failure::Status(response.status().as_u16()));
    }
    read(response).await
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    if response.content_length().is_some_and(|length| length > MAX_ANSWER as u64) {
        return Err(Failure::Unreadable("too long"));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::lost)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Failure::Unreadable("too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
