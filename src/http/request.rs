//! What each request brings along: an id, the client, its language and its token. Attached before any handler runs.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use secrecy::SecretString;

use super::{forwarded, language};
use crate::{
    account::Client,
    graphql::Caller,
    random::{self, Name},
};

/// The header that carries the id back, so that a user's report finds its line in the log.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// What a request brings along.
#[derive(Clone, Debug)]
pub(super) struct Brought {
    /// The request's id.
    pub(super) id: Name,
    /// The client, the language it reads, and its token.
    pub(super) caller: Caller,
}

impl Brought {
    /// What the headers of a request say, which came from `peer`.
    pub(super) fn with(peer: IpAddr, headers: &HeaderMap, trusted_proxies: &[IpNet]) -> Self {
        let client = Client {
            address: forwarded::client_address(peer, headers, trusted_proxies),
            user_agent: text(headers, &header::USER_AGENT).map(str::to_owned),
        };
        let caller = Caller::new(client, language::negotiate(headers), bearer(headers));
        Self { id: random::name(), caller }
    }
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
