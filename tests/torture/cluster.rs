//! Three servers on one PostgreSQL, each with its own clock and its own proxy to the database.

use std::{
    net::ToSocketAddrs,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use entity::Timestamp;
use futures_util::FutureExt;
use miniaccount::{
    clock::{Clock, SystemClock},
    store::{self, Store},
};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use crate::harness::{AbortOnDrop, DatabaseKind, Proxy, TestApp, TestDatabase, database_url};

/// Connections of one server. All tests share the connections of one PostgreSQL.
const CONNECTIONS: u32 = 8;

/// Held by the running test: each measures time, and must not run concurrently.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Which of a server's database connections go through its proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxied {
    None,
    All,
    Feed,
}

/// The system clock with an offset.
#[derive(Clone, Debug, Default)]
pub(crate) struct MovedClock(Arc<AtomicI64>);

impl MovedClock {
    /// Sets the offset in milliseconds.
    pub(crate) fn set(&self, offset: i64) {
        self.0.store(offset, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }
}

/// One server, which tails the feed.
pub(crate) struct Node {
    pub(crate) app: TestApp,
    pub(crate) clock: MovedClock,
    pub(crate) proxy: Proxy,
    _feed: AbortOnDrop,
}

/// All servers.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    /// A connection without a proxy.
    pub(crate) db: DatabaseConnection,
}

impl Node {
    async fn start(base: &TestApp, database: &TestDatabase, proxied: Proxied) -> Self {
        let (clock, proxy) = (MovedClock::default(), proxy_to(database).await);
        let store = open(database, &proxy, proxied).await;
        let app = base.another_node_on(store, Arc::new(clock.clone()), &[("FILE", "sessions_per_user = 2")]);
        let feed = app.tail_feed();
        Self { app, clock, proxy, _feed: feed }
    }
}

/// Runs a test on a cluster with its own database, which is dropped even if the test fails.
pub(crate) async fn run(proxied: Proxied, scenario: impl AsyncFnOnce(&Cluster)) {
    let _alone = ALONE.lock().await;
    let Some(database) = TestDatabase::create(DatabaseKind::Postgres).await else {
        eprintln!("skipped: {} is not set", DatabaseKind::Postgres.variable());
        return;
    };
    let cluster = start(&database, proxied).await;
    let outcome = AssertUnwindSafe(scenario(&cluster)).catch_unwind().await;
    drop(cluster);
    database.remove().await;
    if let Err(failed) = outcome {
        resume_unwind(failed);
    }
}

async fn start(database: &TestDatabase, proxied: Proxied) -> Cluster {
    let base = TestApp::start(database, &[]).await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(Node::start(&base, database, proxied).await);
    }
    Cluster { nodes, db: database.db_connect().await }
}

async fn proxy_to(database: &TestDatabase) -> Proxy {
    let url: reqwest::Url = database.url.expose_secret().parse().unwrap();
    let server = (url.host_str().unwrap(), url.port().unwrap_or(5432));
    Proxy::to(server.to_socket_addrs().unwrap().next().unwrap()).await
}

/// Opens the store as the program does, unless only the feed goes through the proxy.
async fn open(database: &TestDatabase, proxy: &Proxy, proxied: Proxied) -> Store {
    let mut over_proxy: reqwest::Url = database.url.expose_secret().parse().unwrap();
    over_proxy.set_host(Some(&proxy.address.ip().to_string())).unwrap();
    over_proxy.set_port(Some(proxy.address.port())).unwrap();
    match proxied {
        Proxied::None => store::connect(&database_url(&database.url), CONNECTIONS).await.unwrap(),
        Proxied::All => store::connect(&database_url(&over_proxy.to_string().into()), CONNECTIONS).await.unwrap(),
        Proxied::Feed => {
            let db = connect(database.url.expose_secret(), CONNECTIONS).await;
            Store::new(db, connect(over_proxy.as_str(), 4).await)
        }
    }
}

async fn connect(url: &str, connections: u32) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    // the proxy would hold back a ping instead of the query
    options.max_connections(connections).sqlx_logging(false).test_before_acquire(false);
    Database::connect(options).await.unwrap()
}
