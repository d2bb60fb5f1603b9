//! The HTTP service: the router, and the steps before and after it that all requests share. They wrap the router
//! instead of being its layers, because the router boxes each layer for every request.

use std::{convert::Infallible, net::IpAddr, pin::pin, time::Duration};

use axum::{
    Extension, Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::Response,
};
use futures_util::FutureExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tracing::Instrument;

use super::{
    App, SendPermit,
    access_line::AccessLine,
    compression::Encodings,
    endpoint, forwarded, render,
    request::{REQUEST_ID, RequestContext},
    traceparent::{TRACEPARENT, TraceParent},
};
use crate::{
    account::network_of,
    error::{ApiError, Code},
    panics,
};

/// The route whose errors have the form of GraphQL.
pub(super) const GRAPHQL: &str = "/graphql";

/// How long a browser may cache the response to a preflight request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(1);

/// The service with all routes. Clones share their state.
#[derive(Clone, Debug)]
pub struct HttpService {
    app: App,
    router: Router,
}

impl HttpService {
    /// Wraps the routes.
    pub(super) fn new(app: App, routes: Router<App>) -> Self {
        Self { router: routes.with_state(app.clone()), app }
    }

    /// Handles a request of a peer.
    pub async fn handle(self, peer: IpAddr, request: Request) -> Response {
        let Some(cors) = self.app.0.cors.clone() else { return self.handle_in_context(peer, request).await };
        let app = self.app.clone();
        let client = forwarded::client_address(peer, request.headers(), &app.0.trusted_proxies);
        // the outermost layer, so that pages can read errors as well
        let inner = service_fn(move |request| self.clone().handle_in_context(peer, request).map(Ok::<_, Infallible>));
        let Ok(response) = Box::pin(cors.layer(inner).oneshot(request)).await;
        // the layer itself responds to a preflight, without a permit
        let has_permit = response.extensions().get::<SendPermit>().is_some();
        if has_permit { response } else { app.0.send_budget.count_short(network_of(client), response) }
    }

    /// Handles a request within its log context and span, and adds the common headers.
    async fn handle_in_context(self, peer: IpAddr, request: Request) -> Response {
        let context = RequestContext::of(peer, &request, &self.app);
        let access = AccessLine::begin(&request);
        let (id, trace, fields) = (context.id, context.trace, context.log_context());
        let span = tracing::debug_span!("request", request_id = &*id, method = access.method, route = access.route);
        // pinned here, so that the wrappers move a pointer and not the whole future
        let handling = pin!(async {
            let mut response = self.handle_within_budget(context, request).await;
            add_headers(response.headers_mut(), &id, trace);
            access.end(&response);
            response
        });
        fields.scope(handling.instrument(span)).await
    }

    /// Handles a request within the send budget of its client, and compresses the response.
    async fn handle_within_budget(self, context: RequestContext, request: Request) -> Response {
        let app = self.app.clone();
        let encodings = Encodings::of(request.headers());
        let (is_graphql, is_health_check) = (request.uri().path() == GRAPHQL, is_health_check(&request));
        let (send_budget, client) = (&app.0.send_budget, context.network());
        if !is_health_check && send_budget.is_exhausted_for(client) {
            return over_budget(&app, is_graphql, &context);
        }
        let response = self.route(is_graphql, &context, request).await;
        if is_health_check {
            return send_budget.count_short(client, response);
        }
        let response = encodings.compress(response).await;
        send_budget.count(client, response).unwrap_or_else(|| over_budget(&app, is_graphql, &context))
    }

    /// Routes a request to its handler, and catches a panic.
    async fn route(self, is_graphql: bool, context: &RequestContext, mut request: Request) -> Response {
        if context.has_two_tokens {
            let detail = "`Authorization` has several different values.";
            return render::route_error(is_graphql, &ApiError::new(Code::BadRequest).detail(detail), context);
        }
        let response = if is_graphql && request.method() == Method::POST {
            // bypasses the router, which takes a tenth of the time of `me` with a cached session
            let (parts, body) = request.into_parts();
            panics::caught(Box::pin(endpoint::respond_to(&self.app, context, parts, body))).await
        } else {
            request.extensions_mut().insert(context.clone());
            panics::caught(self.router.oneshot(request)).await.map(|Ok(response)| response)
        };
        // the panic hook has logged it
        response.unwrap_or_else(|panics::Panicked| {
            render::route_error(is_graphql, &Code::InternalServerError.into(), context)
        })
    }
}

/// Whether a request is a health check. These are handled even if the client is over its send budget.
fn is_health_check(request: &Request) -> bool {
    ["/livez", "/readyz"].contains(&request.uri().path())
}

/// The response to a client that is over its send budget.
fn over_budget(app: &App, is_graphql: bool, context: &RequestContext) -> Response {
    let refusal = render::route_error(is_graphql, &Code::Overloaded.into(), context);
    app.0.send_budget.count_short(context.network(), refusal)
}

/// The fallback of the router.
pub(super) async fn not_found(Extension(context): Extension<RequestContext>) -> Response {
    render::rest_error(&Code::NotFound.into(), &context)
}

/// The fallback for other methods of a route. The router adds `Allow`.
pub(super) async fn method_not_allowed(Extension(context): Extension<RequestContext>) -> Response {
    render::rest_error(&Code::MethodNotAllowed.into(), &context)
}

/// Adds the headers of every response. `Cache-Control` is `no-store` unless the handler set it.
fn add_headers(headers: &mut HeaderMap, id: &str, trace: Option<TraceParent>) {
    if let Some(trace) = trace.and_then(TraceParent::header) {
        headers.insert(HeaderName::from_static(TRACEPARENT), trace);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The CORS layer for the listed origins, or `None` if there are none. It allows all request headers, because libraries
/// add their own (`traceparent`, Apollo, Sentry), and no credentials, because tokens are in a header and not in
/// cookies. Mini programs are not browsers and need no CORS.
pub(super) fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static(REQUEST_ID)])
        .max_age(PREFLIGHT_MAX_AGE);
    Some(layer)
}
