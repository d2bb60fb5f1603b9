//! HTTP: routes, request context and limits. Handlers translate between HTTP and the calls of `graphql` and `account`.

mod accept;
mod access_line;
mod avatar;
mod caching;
mod cloud_hosting;
mod compression;
mod endpoint;
mod explorer;
mod forwarded;
mod health;
mod language;
mod list;
mod login;
mod media;
mod parameters;
mod preference;
mod push;
mod render;
mod request;
mod send_budget;
mod service;
mod socket;
#[cfg(test)]
mod tests;
mod traceparent;

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{any, get, post},
};
use futures_util::future::poll_immediate;
use ipnet::IpNet;
use tokio::{sync::watch, time::timeout};
use tower_http::cors::CorsLayer;

use crate::{
    account::Accounts,
    config::Config,
    error::{ApiError, Code},
    graphql::Engine,
    public_url::PublicUrl,
    quota::{ClientQuota, QuotaPermit},
};
use health::DatabaseProbe;
use request::RequestContext;
use send_budget::SendBudget;
pub use send_budget::SendPermit;
pub use service::HttpService;
use socket::{InitSlot, Uninitialised};

/// How long a handler may take after the request was read. The slowest calls of WeChat take less.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(20);

/// Largest body of a request, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Bodies that are being received at the same time, of at most [`MAX_BODY`] bytes each.
const MAX_BODIES: usize = 4096;

/// The same for one client.
const MAX_CLIENT_BODIES: usize = MAX_BODIES / 8;

/// One client may have the limit of concurrent requests divided by this: half, because an address may be a NAT with
/// thousands of clients.
const CLIENT_DIVISOR: usize = 2;

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    accounts: Arc<Accounts>,
    engine: Engine,
    graphiql: bool,
    trusted_proxies: Vec<IpNet>,
    public_url: Option<PublicUrl>,
    cloud_hosting: bool,
    cors: Option<CorsLayer>,
    client_timeout: Duration,
    draining: watch::Sender<bool>,
    database_probe: DatabaseProbe,
    in_flight: ClientQuota,
    bodies: ClientQuota,
    files: ClientQuota,
    send_budget: SendBudget,
    sockets: ClientQuota,
    uninitialised: Uninitialised,
    /// Each WebSocket holds a receiver until it is closed.
    open_sockets: watch::Sender<()>,
}

impl App {
    /// The application, by the settings.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>, config: &Config) -> Self {
        let engine = Engine::new(&accounts, config);
        Self::with_engine(accounts, engine, config)
    }

    /// The same with a given engine, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn with_engine(accounts: Arc<Accounts>, engine: Engine, config: &Config) -> Self {
        Self(Arc::new(Shared {
            accounts,
            engine,
            graphiql: config.graphiql,
            trusted_proxies: config.trusted_proxies.clone(),
            public_url: config.public_url.as_deref().map(|url| PublicUrl::Configured(url.into())),
            cloud_hosting: config.cloud_hosting,
            cors: service::cors(&config.cors_origins),
            client_timeout: config.client_timeout,
            draining: watch::Sender::new(false),
            database_probe: DatabaseProbe::default(),
            in_flight: ClientQuota::with_client_fraction(to_usize(config.requests_in_flight), CLIENT_DIVISOR),
            bodies: ClientQuota::new(MAX_BODIES, MAX_CLIENT_BODIES),
            files: ClientQuota::new(avatar::MAX_UPLOADING, avatar::MAX_CLIENT_UPLOADING),
            send_budget: SendBudget::default(),
            sockets: ClientQuota::with_client_fraction(to_usize(config.subscriptions), CLIENT_DIVISOR),
            uninitialised: Uninitialised::for_subscriptions(to_usize(config.subscriptions)),
            open_sockets: watch::Sender::new(()),
        }))
    }

    /// Begins to drain: `/readyz` fails, so that load balancers send no new clients, and all WebSockets are closed.
    pub fn drain(&self) {
        self.0.draining.send_replace(true);
    }

    fn is_draining(&self) -> bool {
        *self.0.draining.borrow()
    }

    /// Waits until the server drains.
    async fn until_draining(&self) {
        let mut draining = self.0.draining.subscribe();
        // fails only if the sender is dropped, and `self` owns it
        let _ = draining.wait_for(|draining| *draining).await;
    }

    /// Waits until all WebSockets are closed.
    pub async fn all_sockets_closed(&self) {
        self.0.open_sockets.closed().await;
    }

    /// The permit for a request that was read completely, held until its response is ready.
    ///
    /// # Errors
    /// `OVERLOADED`
    fn in_flight_permit(&self, context: &RequestContext) -> Result<QuotaPermit, ApiError> {
        self.0.in_flight.try_acquire(context.network(), 1).ok_or_else(|| Code::Overloaded.into())
    }

    /// The permit for a body that is being received. It is separate from `in_flight_permit`, so that clients that send
    /// slowly cannot use up the requests in flight.
    ///
    /// # Errors
    /// `OVERLOADED`
    fn body_permit(&self, context: &RequestContext) -> Result<QuotaPermit, ApiError> {
        self.0.bodies.try_acquire(context.network(), 1).ok_or_else(|| Code::Overloaded.into())
    }

    /// A permit for some bytes of an upload. It is held until the picture is stored.
    ///
    /// # Errors
    /// `OVERLOADED`
    fn upload_permit(&self, context: &RequestContext, bytes: usize) -> Result<QuotaPermit, ApiError> {
        self.0.files.try_acquire(context.network(), bytes).ok_or_else(|| Code::Overloaded.into())
    }

    /// Admits a new WebSocket: the slot is held until `connection_init`, the receiver until the WebSocket is closed.
    ///
    /// # Errors
    /// `OVERLOADED` if the client has too many WebSockets or the server drains.
    fn open_socket(&self, context: &RequestContext) -> Result<(InitSlot, watch::Receiver<()>), ApiError> {
        if self.is_draining() || !self.0.sockets.has_capacity_for(context.network(), 1) {
            return Err(Code::Overloaded.into());
        }
        Ok((self.0.uninitialised.admit(context.network()), self.0.open_sockets.subscribe()))
    }

    /// The permit for an authenticated WebSocket, held until it is closed.
    ///
    /// # Errors
    /// `OVERLOADED`
    fn socket_permit(&self, context: &RequestContext) -> Result<QuotaPermit, ApiError> {
        self.0.sockets.try_acquire(context.network(), 1).ok_or_else(|| Code::Overloaded.into())
    }

    /// The service with all routes.
    pub fn service(self) -> HttpService {
        let routes = Router::new()
            .route(service::GRAPHQL, any(endpoint::graphql))
            .route("/schema.graphql", get(explorer::sdl))
            .route("/api/login", post(login::login))
            .route("/api/avatar", post(avatar::upload))
            .route("/media/{key}", get(media::picture))
            .route("/.well-known/jwks.json", get(health::jwks))
            .route("/livez", get(health::live))
            .route("/readyz", get(health::ready));
        let routes = if self.0.graphiql { explorer::mount(routes) } else { routes };
        let routes = if self.0.accounts.accepts_pushes() { push::mount(routes) } else { routes };
        HttpService::new(
            self,
            routes.fallback(service::not_found).method_not_allowed_fallback(service::method_not_allowed),
        )
    }
}

fn to_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The output of a future, or `None` after `limit`. A future that is ready at once, as most are, sets no timer.
async fn with_timeout<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match poll_immediate(&mut future).await {
        Some(output) => Some(output),
        None => timeout(limit, future).await.ok(),
    }
}
