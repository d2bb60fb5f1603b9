//! The access log: one line for each request, at `debug`. It contains no text of the client: method and route are from
//! a fixed list.

use std::time::Instant;

use axum::{extract::Request, http::Method, response::Response};

use crate::log_context;

/// The routes with a name in the log. All other paths are logged as `other`.
const ROUTES: [&str; 9] = [
    "/graphql",
    "/api/login",
    "/api/avatar",
    "/.well-known/jwks.json",
    "/livez",
    "/readyz",
    "/schema.graphql",
    "/graphiql",
    "/graphiql/small",
];

/// The routes whose last part is the client's text, and how the log names them.
const PREFIXES: [(&str, &str); 2] = [("/media/", "/media/{key}"), ("/wechat/push/", "/wechat/push/{appid}")];

/// The access-log line of a request.
pub(super) struct AccessLine {
    pub(super) method: &'static str,
    pub(super) route: &'static str,
    /// `None` if the level is disabled, which saves reading the clock.
    began: Option<Instant>,
}

impl AccessLine {
    /// Notes the start of a request.
    pub(super) fn begin(request: &Request) -> Self {
        let path = request.uri().path();
        let route = ROUTES.into_iter().find(|route| *route == path);
        let prefixed = || PREFIXES.into_iter().find_map(|(prefix, route)| path.starts_with(prefix).then_some(route));
        let route = route.or_else(prefixed).unwrap_or("other");
        let began = tracing::enabled!(tracing::Level::DEBUG).then(Instant::now);
        Self { method: method(request.method()), route, began }
    }

    /// Writes the line with the status of the response.
    pub(super) fn end(self, response: &Response) {
        let Some(began) = self.began else { return };
        let (method, route, status) = (self.method, self.route, response.status().as_u16());
        let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let user = log_context::user().map(tracing::field::display);
        tracing::debug!(method, route, status, duration_us, user, "request answered");
    }
}

/// The name of a standard method, or `other`.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
