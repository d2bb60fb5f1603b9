//! Three servers on one PostgreSQL, each with a clock and a wire of its own.

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

use crate::harness::{AbortOnDrop, Kind, Proxy, TestApp, TestDatabase};

/// Connections of one server: the servers of all tests share what PostgreSQL has.
const CONNECTIONS: u32 = 8;

/// One storm at a time: each is about time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// What of a server's connections goes over its wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wired {
    Nothing,
    All,
    Feed,
}

/// The machine's clock, moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct MovedClock(Arc<AtomicI64>);

impl MovedClock {
    /// Moves it so many milliseconds off.
    pub(crate) fn set(&self, offset: i64) {
        self.0.store(offset, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }
}

/// One server, which follows the feed.
pub(crate) struct Node {
    pub(crate) app: TestApp,
    pub(crate) clock: MovedClock,
    pub(crate) wire: Proxy,
    _follow: AbortOnDrop,
}

/// All of them.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    /// Past all wires.
    pub(crate) db: DatabaseConnection,
}

impl Node {
    async fn start(base: &TestApp, database: &TestDatabase, wired: Wired) -> Self {
        let (clock, wire) = (MovedClock::default(), wire_to(database).await);
        let store = open(database, &wire, wired).await;
        let app = base.beside_on(store, Arc::new(clock.clone()), &[("FILE", "sessions_per_user = 2")]);
        let follow = app.follow();
        Self { app, clock, wire, _follow: follow }
    }
}

/// Runs a test on a cluster with a database of its own, which is dropped whatever comes of the test.
pub(crate) async fn run(wired: Wired, scenario: impl AsyncFnOnce(&Cluster)) {
    let _alone = ALONE.lock().await;
    let Some(database) = TestDatabase::create(Kind::Postgres).await else {
        eprintln!("skipped: {} is not set", Kind::Postgres.variable());
        return;
    };
    let cluster = start(&database, wired).await;
    let outcome = AssertUnwindSafe(scenario(&cluster)).catch_unwind().await;
    drop(cluster);
    database.remove().await;
    if let Err(failed) = outcome {
        resume_unwind(failed);
    }
}

async fn start(database: &TestDatabase, wired: Wired) -> Cluster {
    let base = TestApp::start(database, &[]).await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(Node::start(&base, database, wired).await);
    }
    Cluster { nodes, db: database.db_connect().await }
}

async fn wire_to(database: &TestDatabase) -> Proxy {
    let url: reqwest::Url = database.url.expose_secret().parse().unwrap();
    let place = (url.host_str().unwrap(), url.port().unwrap_or(5432));
    Proxy::to(place.to_socket_addrs().unwrap().next().unwrap()).await
}

/// The store as the program opens it, unless the feed goes another way than the rest.
async fn open(database: &TestDatabase, wire: &Proxy, wired: Wired) -> Store {
    let mut over_wire: reqwest::Url = database.url.expose_secret().parse().unwrap();
    over_wire.set_host(Some(&wire.address.ip().to_string())).unwrap();
    over_wire.set_port(Some(wire.address.port())).unwrap();
    match wired {
        Wired::Nothing => store::connect(&database.url, CONNECTIONS).await.unwrap(),
        Wired::All => store::connect(&over_wire.to_string().into(), CONNECTIONS).await.unwrap(),
        Wired::Feed => {
            let rest = plain(database.url.expose_secret(), CONNECTIONS).await;
            Store::new(rest, plain(over_wire.as_str(), 4).await)
        }
    }
}

async fn plain(url: &str, connections: u32) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    // a trial would be held up in the place of what is asked
    options.max_connections(connections).sqlx_logging(false).test_before_acquire(false);
    Database::connect(options).await.unwrap()
}
