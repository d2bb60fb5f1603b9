//! `/graphiql` and `/schema.graphql`: a page to explore the API with, and the schema as text. The page is GraphiQL where
//! the build found its files, else a small one of our own. Whatever it needs is in the binary; it loads nothing from
//! elsewhere.

mod embedded;
mod encoding;

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::App;
use crate::graphql;

/// What our own page may do: run its own script, use its own style, talk to this server.
const SMALL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                            connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds the explorer's routes. The small page has an address of its own too: it suits phones and screen readers better.
pub(super) fn mount(routes: Router<App>) -> Router<App> {
    routes
        .route("/", get(|| async { Redirect::temporary("/graphiql") }))
        .route("/graphiql", get(|| async { embedded::page().unwrap_or_else(small_page) }))
        .route("/graphiql/assets/{version}/{name}", get(embedded::asset))
        .route("/graphiql/small", get(|| async { small_page() }))
        .route("/graphiql/small/explorer.js", get(small_script))
        .route("/graphiql/small/explorer.css", get(small_style))
}

/// `GET /schema.graphql`
pub(super) async fn sdl() -> Response {
    static SDL: LazyLock<String> = LazyLock::new(graphql::sdl);
    text("text/plain; charset=utf-8", SDL.as_str())
}

fn small_page() -> Response {
    page(include_str!("explorer/small/index.html"), SMALL_POLICY)
}

async fn small_script() -> Response {
    text("text/javascript; charset=utf-8", include_str!("explorer/small/explorer.js"))
}

async fn small_style() -> Response {
    text("text/css; charset=utf-8", include_str!("explorer/small/explorer.css"))
}

fn page(body: impl IntoResponse, policy: &'static str) -> Response {
    let mut response = text("text/html; charset=utf-8", body);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn text(content_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
