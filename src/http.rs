//! The HTTP side: routes, and what each request brings along. Handlers translate; they ask `graphql` and `account`.

mod accept;
mod answer;
mod endpoint;
mod explorer;
mod forwarded;
mod health;
mod language;
mod login;
mod parameters;
mod preference;
mod reading;
mod request;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
    middleware,
    routing::{any, get, post},
};
use ipnet::IpNet;
use tokio::sync::{Semaphore, SemaphorePermit};
use tower_http::{
    compression::{CompressionLayer, predicate::SizeAbove},
    cors::{AllowOrigin, CorsLayer},
};

use crate::{
    account::Accounts,
    config::Config,
    error::{ApiError, Code},
    graphql::Engine,
};
use health::Pulse;
use reading::Reading;

/// How long a request may take once it is there. The longest way to WeChat and back fits.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Largest body a request may have, in bytes.
const BODY: usize = 64 * 1024;

/// Answers longer than this are compressed where the client can read that, in bytes.
const COMPRESSED: u64 = 1024;

/// How long a browser may remember what `CORS` allows it.
const PREFLIGHT: Duration = Duration::from_hours(1);

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    accounts: Arc<Accounts>,
    engine: Engine,
    graphiql: bool,
    trusted_proxies: Vec<IpNet>,
    cors_origins: Vec<String>,
    client_timeout: Duration,
    draining: AtomicBool,
    pulse: Pulse,
    reading: Reading,
    in_flight: Semaphore,
}

impl App {
    /// The server's inside, by the settings.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>, config: &Config) -> Self {
        let engine = Engine::new(&accounts, config);
        Self(Arc::new(Shared {
            accounts,
            engine,
            graphiql: config.graphiql,
            trusted_proxies: config.trusted_proxies.clone(),
            cors_origins: config.cors_origins.clone(),
            client_timeout: config.client_timeout,
            draining: AtomicBool::new(false),
            pulse: Pulse::default(),
            reading: Reading::default(),
            in_flight: Semaphore::new(usize::try_from(config.requests_in_flight).unwrap_or(usize::MAX >> 3)),
        }))
    }

    /// From now on `/readyz` says no, so that no new clients are sent here.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Room for one more request that is there in full. Kept until it is answered.
    ///
    /// # Errors
    /// `OVERLOADED`
    fn room(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.0.in_flight.try_acquire().map_err(|_| Code::Overloaded.into())
    }

    /// The routes.
    pub fn router(self) -> Router {
        let routes = Router::new()
            .route("/graphql", any(endpoint::graphql))
            .route("/schema.graphql", get(explorer::sdl))
            .route("/api/login", post(login::login).fallback(login::post_only))
            .route("/.well-known/jwks.json", get(health::jwks))
            .route("/livez", get(health::live))
            .route("/readyz", get(health::ready));
        let routes = if self.0.graphiql { explorer::mount(routes) } else { routes };
        self.layered(routes)
    }

    /// Routes with what every request goes through, whatever it asks for.
    fn layered(self, routes: Router<Self>) -> Router {
        routes
            .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED)))
            .layer(middleware::from_fn_with_state(self.clone(), request::attach))
            .layer(cors(&self.0.cors_origins))
            .with_state(self)
    }
}

/// Browsers of the listed origins may call; mini programs are no browsers and need no permission. Tokens travel in a
/// header, so no cookies and no credentials mode.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT, header::ACCEPT_LANGUAGE])
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static(request::REQUEST_ID)])
        .max_age(PREFLIGHT)
}
