//! The server from start to end: opens what it needs, says what it is, serves, and drains when told to stop.

mod banner;
mod connections;

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use tokio::{net::TcpListener, time::timeout};

use crate::{
    account::{Accounts, Limits},
    clock::{SharedClock, SystemClock},
    config::{Config, keyfile},
    emulator::Emulator,
    http::App,
    store::{self, SchemaState, Store},
    token::KeyRing,
    wechat::Wechat,
};

/// How long requests under way may take to finish once the server is told to stop. An orchestrator that waits five
/// seconds before it kills sees a clean end.
const GRACE: Duration = Duration::from_secs(4);

/// How long the database may take to be closed.
const CLOSE: Duration = Duration::from_millis(500);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {cause}; LISTEN names the address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        cause: std::io::Error,
    },
    /// The database does not answer or refuses.
    #[error("cannot open the database ({place}): {cause}")]
    Database {
        /// Where it is.
        place: String,
        /// Why not.
        cause: sea_orm::DbErr,
    },
    /// The tables are older than the program.
    #[error("the database is {0} migration(s) behind this program: run `miniaccount migrate` first")]
    Behind(usize),
    /// The tables are newer than the program.
    #[error("the database is {0} migration(s) ahead of this program: run the version that migrated it, or a newer one")]
    Ahead(usize),
    /// The generated key cannot be kept.
    #[error("cannot keep the generated SECRET_KEY: {0}")]
    KeyFile(std::io::Error),
    /// The keys cannot be derived.
    #[error("SECRET_KEY cannot be used")]
    Keys,
    /// The address of Redis means nothing to the client of Redis.
    #[error("REDIS_URL cannot be used: in a password, write other signs than letters and digits as %XX")]
    Redis,
    /// The emulator does not start.
    #[error("the WeChat emulator cannot start: {0}")]
    Emulator(std::io::Error),
    /// The client of WeChat's API cannot be built.
    #[error("the client of WeChat's API cannot be built: {0}")]
    Wechat(reqwest::Error),
}

/// A server that listens and is ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    client_timeout: Duration,
    app: App,
    accounts: Arc<Accounts>,
    emulator: Option<Emulator>,
}

impl Server {
    /// Opens everything the settings ask for, and says so.
    ///
    /// # Errors
    /// When something cannot be opened.
    pub async fn start(mut config: Config) -> Result<Self, StartError> {
        let clock: SharedClock = Arc::new(SystemClock);
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().map_err(|cause| StartError::Listen { address: config.listen, cause })?;
        take_generated_key(&mut config)?;
        let store = open_store(&config, true).await?;
        let emulator = start_emulator(&mut config, address, &clock).await?;
        let accounts = Arc::new(accounts(&config, store, clock)?);
        let app = App::new(Arc::clone(&accounts), &config);
        banner::show(&config, address, emulator.as_ref());
        Ok(Self { listener, address, client_timeout: config.client_timeout, app, accounts, emulator })
    }

    /// The address the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets requests under way finish.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let beside = tokio::spawn(beside(Arc::clone(&self.accounts)));
        let site = self.app.clone().site();
        let answer = move |peer: SocketAddr, request| site.clone().answer(peer.ip(), request);
        let stopping = || {
            self.app.drain();
            tracing::info!("stopping: requests under way may finish");
        };
        if !connections::serve(self.listener, answer, self.client_timeout, stop, stopping, GRACE).await {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
        // these had as long as the requests; where there were none of those, a moment does
        if timeout(GRACE, self.app.deserted()).await.is_err() {
            tracing::warn!("some subscribers did not leave in time and were cut off");
        }
        beside.abort();
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

/// Opens the accounts for a command that works on them and ends: nothing listens, and no table is changed.
///
/// # Errors
/// When something cannot be opened.
pub async fn open(mut config: Config) -> Result<Accounts, StartError> {
    take_generated_key(&mut config)?;
    let store = open_store(&config, false).await?;
    accounts(&config, store, Arc::new(SystemClock))
}

/// Uses the key beside the database where none is set.
fn take_generated_key(config: &mut Config) -> Result<(), StartError> {
    if config.needs_generated_key() {
        let key = keyfile::load_or_create(config.database_url.expose_secret()).map_err(StartError::KeyFile)?;
        config.secret_keys.push(key);
    }
    Ok(())
}

/// Opens the database and makes sure its tables fit. A server brings SQLite up to date on the way: it has no other users.
async fn open_store(config: &Config, is_server: bool) -> Result<Store, StartError> {
    let url = &config.database_url;
    let failed = |cause| StartError::Database { place: store::describe(url), cause };
    let store = store::connect(url, config.database_connections).await.map_err(failed)?;
    if is_server && store::is_embedded(url) {
        store.migrate().await.map_err(failed)?;
    }
    match store.schema_state().await.map_err(failed)? {
        SchemaState::Current => Ok(store),
        SchemaState::Behind(count) => Err(StartError::Behind(count)),
        SchemaState::Ahead(count) => Err(StartError::Ahead(count)),
    }
}

/// Starts the emulator beside the API, on the next port where that is free, and points the client of WeChat's API to it.
async fn start_emulator(
    config: &mut Config,
    api: SocketAddr,
    clock: &SharedClock,
) -> Result<Option<Emulator>, StartError> {
    if !config.emulator {
        return Ok(None);
    }
    let beside = |port| TcpListener::bind(SocketAddr::new(config.listen.ip(), port));
    let listener = match beside(if config.listen.port() == 0 { 0 } else { api.port().wrapping_add(1) }).await {
        Ok(listener) => listener,
        Err(_) => beside(0).await.map_err(StartError::Emulator)?,
    };
    let emulator = Emulator::start(listener, Arc::clone(clock)).await.map_err(StartError::Emulator)?;
    config.wechat.hosts = vec![emulator.base()];
    Ok(Some(emulator))
}

/// The accounts the settings describe.
///
/// # Errors
/// When a key, the client of WeChat's API or that of Redis cannot be made.
pub fn accounts(config: &Config, store: Store, clock: SharedClock) -> Result<Accounts, StartError> {
    let wechat = Wechat::new(&config.wechat, Arc::clone(&clock)).map_err(StartError::Wechat)?;
    let keys = Arc::new(KeyRing::new(&config.secret_keys).map_err(|_| StartError::Keys)?);
    let limits = Limits::new(config).map_err(|_| StartError::Redis)?;
    Ok(Accounts::new(config, store, wechat, keys, limits, clock))
}

/// What goes on beside the requests, for as long as it is polled.
async fn beside(accounts: Arc<Accounts>) {
    tokio::join!(accounts.follow(), accounts.keep_house());
}

async fn close(accounts: &Accounts) {
    if !matches!(timeout(CLOSE, accounts.write_uses()).await, Ok(Ok(()))) {
        tracing::warn!("the last uses of sessions could not be written");
    }
    if !matches!(timeout(CLOSE, accounts.store.clone().close()).await, Ok(Ok(()))) {
        tracing::warn!("the database could not be closed in time");
    }
}
