//! `/graphiql` and `/schema.graphql`: a page to explore the API with, and the schema as text. Everything the page needs
//! is in the binary; it loads nothing from elsewhere.

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::App;
use crate::graphql;

/// What the page may do: run its own script, use its own style, talk to this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds the explorer's routes.
pub(super) fn mount(routes: Router<App>) -> Router<App> {
    routes
        .route("/", get(|| async { Redirect::temporary("/graphiql") }))
        .route("/graphiql", get(page))
        .route("/graphiql/explorer.js", get(script))
        .route("/graphiql/explorer.css", get(style))
}

/// `GET /schema.graphql`
pub(super) async fn sdl() -> Response {
    static SDL: LazyLock<String> = LazyLock::new(graphql::sdl);
    text("text/plain; charset=utf-8", SDL.as_str())
}

async fn page() -> Response {
    let mut response = text("text/html; charset=utf-8", include_str!("explorer/index.html"));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

async fn script() -> Response {
    text("text/javascript; charset=utf-8", include_str!("explorer/explorer.js"))
}

async fn style() -> Response {
    text("text/css; charset=utf-8", include_str!("explorer/explorer.css"))
}

fn text(content_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
