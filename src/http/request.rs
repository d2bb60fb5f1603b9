//! What each request brings along: an id, the client, its language and its token. Attached before any handler runs.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use secrecy::SecretString;

use super::{App, answer, compression::Encodings, forwarded, language};
use crate::{account::Client, graphql::Caller, panics, random};

/// The header that carries the id back, so that a user's report finds its line in the log.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// What a request brings along.
#[derive(Clone, Debug)]
pub(super) struct Brought {
    /// The request's id.
    pub(super) id: Arc<str>,
    /// The client, the language it reads, and its token.
    pub(super) caller: Caller,
}

/// Attaches what a request brings along, and marks the answer with its id.
pub(super) async fn attach(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // in process there is no peer
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip());
    let id: Arc<str> = random::name().into();
    let headers = request.headers();
    let client = Client {
        address: forwarded::client_address(peer, headers, &app.0.trusted_proxies),
        user_agent: text(headers, &header::USER_AGENT).map(str::to_owned),
    };
    let caller = Caller::new(client, language::negotiate(headers), bearer(headers));
    let brought = Brought { id: Arc::clone(&id), caller };
    let encodings = Encodings::of(headers);
    let rest = request.uri().path().starts_with("/api/");
    request.extensions_mut().insert(brought.clone());
    let outcome = panics::caught(Arc::clone(&id), next.run(request)).await;
    let mut response = outcome.unwrap_or_else(|panics::Panicked| answer::panicked(rest, &brought));
    finish(response.headers_mut(), &id);
    encodings.compress(response).await
}

/// Marks an answer. What a handler says of caching stands; else nothing is kept anywhere.
fn finish(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    bearer_of(text(headers, &header::AUTHORIZATION)?)
}

/// The token of `Authorization: Bearer …` (RFC 6750). Whatever else stands there is as good as nothing.
pub(super) fn bearer_of(authorization: &str) -> Option<SecretString> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned().into())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
