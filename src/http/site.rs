//! The routes, and what every request goes through before and after them, whatever it asks for. That stands around the
//! router instead of in layers of it: the router would put each layer into a box with every request.

use std::{convert::Infallible, net::IpAddr, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::Response,
};
use futures_util::FutureExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    App, answer,
    compression::Encodings,
    request::{Brought, REQUEST_ID},
};
use crate::panics;

/// How long a browser may remember what `CORS` allows it.
const PREFLIGHT: Duration = Duration::from_hours(1);

/// All that is served. Clones serve the same.
#[derive(Clone, Debug)]
pub struct Site {
    app: App,
    router: Router,
}

impl Site {
    /// Routes with what every request goes through.
    pub(super) fn new(app: App, routes: Router<App>) -> Self {
        Self { router: routes.with_state(app.clone()), app }
    }

    /// Answers a request that came from a peer.
    pub async fn answer(self, peer: IpAddr, request: Request) -> Response {
        let Some(cors) = self.app.0.cors.clone() else { return self.answer_anyone(peer, request).await };
        // around all the rest, so that a page can read whatever it is told
        let inside = service_fn(move |request| self.clone().answer_anyone(peer, request).map(Ok::<_, Infallible>));
        let Ok(response) = Box::pin(cors.layer(inside).oneshot(request)).await;
        response
    }

    /// The same, wherever the page comes from that asks. The answer is marked with an id.
    async fn answer_anyone(self, peer: IpAddr, mut request: Request) -> Response {
        let brought = Brought::with(peer, request.headers(), &self.app.0.trusted_proxies);
        let encodings = Encodings::of(request.headers());
        let rest = request.uri().path().starts_with("/api/");
        request.extensions_mut().insert(brought.clone());
        let mut response = match panics::caught(brought.id, self.router.oneshot(request)).await {
            Ok(Ok(response)) => response,
            Err(panics::Panicked) => answer::panicked(rest, &brought),
        };
        finish(response.headers_mut(), &brought.id);
        encodings.compress(response).await
    }
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

/// Browsers of the listed origins may call; mini programs are no browsers and need no permission. Tokens travel in a
/// header, so no cookies and no credentials mode. `None` where none is listed: no answer depends on the origin then.
pub(super) fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT, header::ACCEPT_LANGUAGE])
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static(REQUEST_ID)])
        .max_age(PREFLIGHT);
    Some(layer)
}
