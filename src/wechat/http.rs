//! The HTTP client of WeChat's API: short timeouts, no redirects, no proxy, no retries, and responses of limited
//! length.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, Url, header::CONTENT_TYPE, redirect, retry};

use super::error::Failure;
use crate::config;

/// The longest response, in bytes.
const MAX_RESPONSE: usize = 64 * 1024;
/// How long an idle connection is reused: less than the 60 s or more after which load balancers close it, so that no
/// request is sent on a connection that is being closed.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Http(Client);

impl Http {
    pub(super) fn new(settings: &config::Wechat) -> Result<Self, reqwest::Error> {
        let plain = |host: &String| host.starts_with("http:");
        let builder = Client::builder()
            .user_agent(concat!("miniaccount/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            // the URL contains the appsecret: no redirect, and no proxy of the environment, may send it elsewhere
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .https_only(!settings.hosts.iter().any(plain))
            // a code can be used once; hyper itself resends only requests of which nothing was written
            .retry(retry::never())
            .pool_max_idle_per_host(settings.calls_in_flight as usize)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true);
        // reading the machine's TLS root certificates takes longer than the rest of the start-up: skipped if no host
        // needs them
        let builder = if settings.hosts.iter().all(plain) { builder.tls_certs_only([]) } else { builder };
        builder.build().map(Self)
    }

    /// Parses a host's URL as the client does, so that an invalid one is found at the start.
    pub(super) fn url(&self, url: &str) -> Result<Url, reqwest::Error> {
        self.0.get(url).build().map(|request| request.url().clone()).map_err(reqwest::Error::without_url)
    }

    /// Sends a GET. Returns the body of the response, whatever its Content-Type.
    pub(super) async fn get(&self, url: Url, timeout: Duration) -> Result<Vec<u8>, Failure> {
        send(self.0.get(url), timeout).await
    }

    /// Sends a POST with JSON. Returns the body of the response.
    pub(super) async fn post(&self, url: Url, json: String, timeout: Duration) -> Result<Vec<u8>, Failure> {
        send(self.0.post(url).header(CONTENT_TYPE, "application/json").body(json), timeout).await
    }
}

async fn send(request: RequestBuilder, timeout: Duration) -> Result<Vec<u8>, Failure> {
    let response = request.timeout(timeout).send().await.map_err(Failure::sending)?;
    if !response.status().is_success() {
        return Err(Failure::Status(response.status().as_u16()));
    }
    read(response).await
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    if response.content_length().is_some_and(|length| length > MAX_RESPONSE as u64) {
        return Err(Failure::Unreadable("it is too long"));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::lost)? {
        if body.len() + chunk.len() > MAX_RESPONSE {
            return Err(Failure::Unreadable("it is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
