//! `/graphiql` and `/schema.graphql`: an API explorer, and the schema as text. The explorer is GraphiQL if the build found
//! its files, and otherwise a small page of our own. All files are in the binary; the page loads nothing from other hosts.

mod content;
mod embedded;
mod encoding;

use std::sync::LazyLock;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
    response::{Redirect, Response},
    routing::get,
};

use super::App;
use crate::graphql;
use content::Content;

/// The `Content-Security-Policy` of the small page: scripts, styles and connections of this origin.
const SMALL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                            connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static SDL: LazyLock<Content> = LazyLock::new(|| Content::new("text/plain; charset=utf-8", graphql::sdl()));

static SMALL: LazyLock<Page> = LazyLock::new(|| Page::new(include_str!("explorer/small/index.html"), SMALL_POLICY));

static SMALL_SCRIPT: LazyLock<Content> =
    LazyLock::new(|| Content::new("text/javascript; charset=utf-8", include_str!("explorer/small/explorer.js")));

static SMALL_STYLE: LazyLock<Content> =
    LazyLock::new(|| Content::new("text/css; charset=utf-8", include_str!("explorer/small/explorer.css")));

/// Adds the explorer's routes. The small page has its own route as well, because it suits phones and screen readers better.
pub(super) fn mount(routes: Router<App>) -> Router<App> {
    routes
        .route("/", get(|| async { Redirect::temporary("/graphiql") }))
        .route("/graphiql", get(page))
        .route("/graphiql/assets/{version}/{name}", get(embedded::asset))
        .route("/graphiql/small", get(async |headers: HeaderMap| SMALL.respond(&headers).await))
        .route("/graphiql/small/explorer.js", get(async |headers: HeaderMap| SMALL_SCRIPT.respond(&headers).await))
        .route("/graphiql/small/explorer.css", get(async |headers: HeaderMap| SMALL_STYLE.respond(&headers).await))
}

/// `GET /schema.graphql`
pub(super) async fn sdl(headers: HeaderMap) -> Response {
    SDL.respond(&headers).await
}

async fn page(headers: HeaderMap) -> Response {
    embedded::page().unwrap_or(&SMALL).respond(&headers).await
}

/// A page with its `Content-Security-Policy`.
struct Page {
    content: Content,
    policy: &'static str,
}

impl Page {
    fn new(text: impl Into<Bytes>, policy: &'static str) -> Self {
        Self { content: Content::new("text/html; charset=utf-8", text), policy }
    }

    async fn respond(&'static self, headers: &HeaderMap) -> Response {
        let mut response = self.content.respond(headers).await;
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.policy));
        response
    }
}
