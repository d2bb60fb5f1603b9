//! The HTTP side: routes, and what each request brings along. Handlers translate; they ask `graphql` and `account`.

mod accept;
mod answer;
mod compression;
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
mod site;
mod socket;
#[cfg(test)]
mod tests;

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{any, get, post},
};
use futures_util::future::poll_immediate;
use ipnet::IpNet;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch},
    time::timeout,
};
use tower_http::cors::CorsLayer;

use crate::{
    account::Accounts,
    config::Config,
    error::{ApiError, Code},
    graphql::Engine,
};
use health::Pulse;
use reading::Reading;
pub use site::Site;

/// How long a request may take once it is there. The longest way to WeChat and back fits.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Largest body a request may have, in bytes.
const BODY: usize = 64 * 1024;

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    accounts: Arc<Accounts>,
    engine: Engine,
    graphiql: bool,
    trusted_proxies: Vec<IpNet>,
    cors: Option<CorsLayer>,
    client_timeout: Duration,
    draining: watch::Sender<bool>,
    pulse: Pulse,
    reading: Reading,
    in_flight: Semaphore,
    sockets: Arc<Semaphore>,
    most_sockets: u32,
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
            cors: site::cors(&config.cors_origins),
            client_timeout: config.client_timeout,
            draining: watch::Sender::new(false),
            pulse: Pulse::default(),
            reading: Reading::default(),
            in_flight: semaphore(config.requests_in_flight),
            sockets: Arc::new(semaphore(config.subscriptions)),
            most_sockets: config.subscriptions,
        }))
    }

    /// From now on `/readyz` says no, so that no new clients are sent here, and those who listen are sent away.
    pub fn drain(&self) {
        self.0.draining.send_replace(true);
    }

    fn is_draining(&self) -> bool {
        *self.0.draining.borrow()
    }

    /// Waits until the server is told to stop.
    async fn stopping(&self) {
        let mut draining = self.0.draining.subscribe();
        // an error would mean that nobody can tell it any more, and this app can
        let _ = draining.wait_for(|draining| *draining).await;
    }

    /// Waits until nobody listens any more.
    pub async fn deserted(&self) {
        let _ = self.0.sockets.acquire_many(self.0.most_sockets).await;
    }

    /// Room for one more request that is there in full. Kept until it is answered.
    ///
    /// # Errors
    /// `OVERLOADED`
    fn room(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.0.in_flight.try_acquire().map_err(|_| Code::Overloaded.into())
    }

    /// Room for one more WebSocket. Kept until it is closed.
    ///
    /// # Errors
    /// `OVERLOADED`
    fn room_for_socket(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let room = Arc::clone(&self.0.sockets).try_acquire_owned().ok();
        room.filter(|_| !self.is_draining()).ok_or_else(|| Code::Overloaded.into())
    }

    /// All that is served.
    pub fn site(self) -> Site {
        let routes = Router::new()
            .route("/graphql", any(endpoint::graphql))
            .route("/schema.graphql", get(explorer::sdl))
            .route("/api/login", post(login::login).fallback(login::post_only))
            .route("/.well-known/jwks.json", get(health::jwks))
            .route("/livez", get(health::live))
            .route("/readyz", get(health::ready));
        let routes = if self.0.graphiql { explorer::mount(routes) } else { routes };
        Site::new(self, routes)
    }
}

fn semaphore(permits: u32) -> Semaphore {
    Semaphore::new(usize::try_from(permits).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS))
}

/// What comes of some work within a limit; `None` where nothing does. What is done at once, as most is, sets no timer.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    match poll_immediate(&mut work).await {
        Some(done) => Some(done),
        None => timeout(limit, work).await.ok(),
    }
}
