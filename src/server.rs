//! The lifecycle of the server: opens the database and the listener, prints the banner, serves, drains, and closes.

mod banner;
mod connections;

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, time::timeout};

use crate::{
    account::{Accounts, RateLimits},
    clock::{SharedClock, SystemClock},
    config::{Config, keyfile},
    emulator::{self, Emulator},
    http::App,
    media,
    store::{self, SchemaState, Store},
    token::KeyRing,
    wechat::Wechat,
};
use connections::{ConnectionLimit, ConnectionTimeouts};

/// How long running requests may take to finish after the stop signal. It is shorter than the five seconds after which
/// some orchestrators kill the process.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(4);

/// How long each step of closing the database may take.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is in use, or is not an address of this machine.
    #[error("cannot listen on {address}: {cause}; LISTEN names the address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error.
        cause: std::io::Error,
    },
    /// The database cannot be reached, or refuses the connection.
    #[error("cannot open the database ({url}): {cause}")]
    Database {
        /// The database, without its credentials.
        url: String,
        /// The error.
        cause: sea_orm::DbErr,
    },
    /// The schema is older than the program.
    #[error("the database is {0} migration(s) behind this program: run `miniaccount migrate` first")]
    Behind(usize),
    /// The schema is newer than the program.
    #[error("the database is {0} migration(s) ahead of this program: run the version that migrated it, or a newer one")]
    Ahead(usize),
    /// The generated key cannot be stored.
    #[error("cannot store the generated SECRET_KEY: {0}")]
    KeyFile(std::io::Error),
    /// The keys cannot be derived.
    #[error("SECRET_KEY cannot be used")]
    Keys,
    /// The Redis client cannot parse the address.
    #[error("REDIS_URL cannot be used: in a password, write other characters than letters and digits as %XX")]
    Redis,
    /// The emulator does not start.
    #[error("the WeChat emulator cannot start: {0}")]
    Emulator(std::io::Error),
    /// The storage of pictures cannot be used.
    #[error("MEDIA_URL cannot be used: {0}")]
    Media(media::StorageError),
    /// The client of WeChat's API cannot be built.
    #[error("the client of WeChat's API cannot be built: {0}")]
    Wechat(reqwest::Error),
}

/// A server that listens and is ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    connection_limit: ConnectionLimit,
    timeouts: ConnectionTimeouts,
    app: App,
    accounts: Arc<Accounts>,
    emulator: Option<Emulator>,
}

impl Server {
    /// Opens everything that the settings name, and prints the banner.
    ///
    /// # Errors
    /// When something cannot be opened.
    pub async fn start(mut config: Config) -> Result<Self, StartError> {
        let clock: SharedClock = Arc::new(SystemClock);
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().map_err(|cause| StartError::Listen { address: config.listen, cause })?;
        add_generated_key(&mut config)?;
        let store = open_store(&config, true).await?;
        let emulator = start_emulator(&mut config, address, &clock).await?;
        let accounts = Arc::new(accounts(&config, store, clock)?);
        let (connection_limit, subscriptions) =
            ConnectionLimit::for_subscribers(config.subscriptions, &config.trusted_proxies);
        config.subscriptions = subscriptions;
        let timeouts = ConnectionTimeouts { head: config.client_timeout, keep_alive: config.keep_alive_timeout };
        let app = App::new(Arc::clone(&accounts), &config);
        banner::show(&config, address, emulator.as_ref());
        Ok(Self { listener, address, connection_limit, timeouts, app, accounts, emulator })
    }

    /// The address the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets running requests finish.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let background_tasks = tokio::spawn(run_background_tasks(Arc::clone(&self.accounts)));
        let service = self.app.clone().service();
        let handler = move |peer: SocketAddr, request| service.clone().handle(peer.ip(), request);
        let on_stop = || {
            self.app.drain();
            tracing::info!("stopping: running requests may finish");
        };
        let (limit, timeouts) = (self.connection_limit, self.timeouts);
        let serving = connections::serve(self.listener, limit, handler, timeouts, stop, on_stop, SHUTDOWN_GRACE);
        if !serving.await {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
        // `drain` has closed the WebSockets, too: most have ended by now
        if timeout(SHUTDOWN_GRACE, self.app.all_sockets_closed()).await.is_err() {
            tracing::warn!("some WebSockets did not close in time and were cut off");
        }
        background_tasks.abort();
        if let Some(emulator) = self.emulator {
            emulator.stop().await;
        }
        close(&self.accounts).await;
        tracing::info!("stopped");
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|cause| StartError::Listen { address, cause })
}

/// Opens the accounts for a command. It does not listen and applies no migrations.
///
/// # Errors
/// When something cannot be opened.
pub async fn open(mut config: Config) -> Result<Accounts, StartError> {
    add_generated_key(&mut config)?;
    let store = open_store(&config, false).await?;
    accounts(&config, store, Arc::new(SystemClock))
}

/// Adds the generated key, which is stored next to the database file, if no key is configured.
fn add_generated_key(config: &mut Config) -> Result<(), StartError> {
    if config.needs_generated_key() {
        let key = keyfile::load_or_create(&config.database_url).map_err(StartError::KeyFile)?;
        config.secret_keys.push(key);
    }
    Ok(())
}

/// Opens the database and checks its schema version. A server migrates SQLite by itself, because no other server uses
/// the file.
async fn open_store(config: &Config, is_server: bool) -> Result<Store, StartError> {
    let url = &config.database_url;
    let failed = |cause| StartError::Database { url: url.to_string(), cause };
    let store = store::connect(url, config.database_connections).await.map_err(failed)?;
    if is_server && url.is_embedded() {
        store.migrate().await.map_err(failed)?;
    }
    match store.schema_state().await.map_err(failed)? {
        SchemaState::Current => Ok(store),
        SchemaState::Behind(count) => Err(StartError::Behind(count)),
        SchemaState::Ahead(count) => Err(StartError::Ahead(count)),
    }
}

/// Starts the emulator, on the port after the API's if that is free, and points the WeChat client to it.
async fn start_emulator(
    config: &mut Config,
    api: SocketAddr,
    clock: &SharedClock,
) -> Result<Option<Emulator>, StartError> {
    if !config.emulator {
        return Ok(None);
    }
    // always on loopback: other machines must not reach the emulator
    let ip = Some(config.listen.ip()).filter(IpAddr::is_loopback).unwrap_or(Ipv4Addr::LOCALHOST.into());
    let bind = |port| TcpListener::bind(SocketAddr::new(ip, port));
    let listener = match bind(if config.listen.port() == 0 { 0 } else { api.port().wrapping_add(1) }).await {
        Ok(listener) => listener,
        Err(_) => bind(0).await.map_err(StartError::Emulator)?,
    };
    let emulator = Emulator::start(listener, Arc::clone(clock)).await.map_err(StartError::Emulator)?;
    config.wechat.hosts = vec![emulator.base()];
    let push_token = config.push.token.get_or_insert_with(emulator::new_push_token);
    emulator.push_to(api, push_token);
    Ok(Some(emulator))
}

/// Builds the accounts from the settings.
///
/// # Errors
/// When a key, the client of WeChat, of Redis or of the storage of pictures cannot be built.
pub fn accounts(config: &Config, store: Store, clock: SharedClock) -> Result<Accounts, StartError> {
    let wechat = Wechat::new(&config.wechat, Arc::clone(&clock)).map_err(StartError::Wechat)?;
    let keys = Arc::new(KeyRing::new(&config.secret_keys).map_err(|_| StartError::Keys)?);
    let limits = RateLimits::new(config).map_err(|_| StartError::Redis)?;
    Accounts::new(config, store, wechat, keys, limits, clock).map_err(StartError::Media)
}

/// Runs the background tasks until the future is dropped.
async fn run_background_tasks(accounts: Arc<Accounts>) {
    tokio::join!(accounts.tail_feed(), accounts.run_housekeeping());
}

async fn close(accounts: &Accounts) {
    if !matches!(timeout(CLOSE_TIMEOUT, accounts.flush_last_used()).await, Ok(Ok(()))) {
        tracing::warn!("the last uses of sessions could not be written");
    }
    if !matches!(timeout(CLOSE_TIMEOUT, accounts.close()).await, Ok(Ok(()))) {
        tracing::warn!("the database could not be closed in time");
    }
}
