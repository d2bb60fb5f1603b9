//! The context of a request: its id, client, language and token. It is built before the handler runs.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, header},
};
use ipnet::IpNet;

use super::{App, cloud_hosting, forwarded, language, traceparent::TraceParent};
use crate::{
    account::{Client, Hosted, network_of},
    graphql::Caller,
    log_context::LogContext,
    random::{self, UniqueId},
};

/// The response header with the request's id, which also is in the log.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// The longest `User-Agent` and token that are stored, in bytes: a WebSocket holds them as long as it lives. Those in use
/// are several times shorter.
const USER_AGENT: usize = 1024;
const TOKEN: usize = 4 * 1024;

/// The context of a request.
#[derive(Clone, Debug)]
pub(super) struct RequestContext {
    /// The request's id.
    pub(super) id: UniqueId,
    /// The trace the client takes part in, if it names one.
    pub(super) trace: Option<TraceParent>,
    /// The client, the language it reads, and its token.
    pub(super) caller: Caller,
    /// Whether there are several `Authorization` headers with different values.
    pub(super) has_two_tokens: bool,
}

impl RequestContext {
    /// Reads the context from the head of a request that came from `peer`.
    pub(super) fn of(peer: IpAddr, request: &Request, app: &App) -> Self {
        let (headers, trusted_proxies) = (request.headers(), &app.0.trusted_proxies);
        let client = Client {
            address: forwarded::client_address(peer, headers, trusted_proxies),
            user_agent: text(headers, &header::USER_AGENT).map(|text| truncate(text, USER_AGENT).to_owned()),
            hosted: if app.0.cloud_hosting { cloud_hosting::caller(headers) } else { Hosted::Unknown },
        };
        // a proxy may have joined repeated headers; tokens contain no comma
        let values = headers.get_all(header::AUTHORIZATION).iter().map(|value| value.to_str().unwrap_or_default());
        let values = values.flat_map(|value| value.split(',')).filter(|value| !value.trim().is_empty());
        let mut tokens = values.map(bearer_token);
        let token = tokens.next().flatten();
        let has_two_tokens = tokens.any(|other| other != token);
        let caller = Caller::new(client, language::negotiate(headers), token.map(Into::into));
        let public_url = app.0.public_url.clone();
        let caller = caller.at(public_url.unwrap_or_else(|| forwarded::public_url(peer, request, trusted_proxies)));
        Self { id: random::unique_id(), trace: TraceParent::of(headers), caller, has_two_tokens }
    }

    /// The fields of the request in each of its log lines.
    pub(super) fn log_context(&self) -> LogContext {
        LogContext::new(self.id, self.trace.map(|trace| trace.trace_id))
    }

    /// The network whose quotas the client uses.
    pub(super) fn network(&self) -> IpNet {
        network_of(self.caller.client().address)
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750). Other schemes are ignored.
pub(super) fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(char::is_whitespace)?;
    // a token that is too long is invalid, whether it is truncated or not
    scheme.eq_ignore_ascii_case("bearer").then(|| truncate(token.trim_start(), TOKEN))
}

fn truncate(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
