//! Some clients disconnect during their requests while others continue. A dropped request must not leave an open
//! transaction or a lock, and must not lose writes of others.

use std::{
    net::ToSocketAddrs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use entity::{session, user};
use futures_util::future::join_all;
use miniaccount::store;
use sea_orm::{DatabaseConnection, EntityTrait};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::harness::{
    ApiResponse, Client, DatabaseKind, Proxy, ProxyMode, TestApp, TestDatabase, TestUser, database_url, db_lines,
    session_key, user_key,
};

/// Connections of the server under test.
const CONNECTIONS: u32 = 6;

/// Requests that each disconnecting client drops after the others are done.
const DROPPED: u32 = 60;

/// The delay between two dropped requests.
const DROP_INTERVAL: Duration = Duration::from_millis(10);

/// Rounds of each client that continues.
const ROUNDS: usize = 8;

/// The limit for four requests, also on a busy machine (11 s measured). Behind a lock that is not released they never
/// end.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The limit for suspending a user, which takes a few statements. It waits for ten seconds behind a lock that is not
/// released.
const SUSPEND_TIMEOUT: Duration = Duration::from_secs(5);

on_each_empty_database! {
    async fn dropped_requests_leave_nothing_behind(database: Arc<TestDatabase>) {
        let (app, _proxy) = start_over_slow_proxy(&database).await;
        let mut staying = Vec::new();
        for n in 0..4 {
            staying.push(Person::log_in(&app, format!("staying{n}")).await);
        }
        let mut leaving = Vec::new();
        for n in 0..4 {
            leaving.push(Person::log_in(&app, format!("leaving{n}")).await);
        }
        let is_quiet = AtomicBool::new(false);
        let dropping = leaving.iter().zip(0..).map(|(person, n)| drop_requests(&app, person, n, &is_quiet));
        let sending = async {
            let acknowledged = join_all(staying.iter().map(|person| send_rounds(&app, person))).await;
            is_quiet.store(true, Relaxed);
            acknowledged
        };
        let (_, all_acknowledged) = tokio::join!(join_all(dropping), sending);
        let db = database.db_connect().await;
        assert_nothing_is_open(&database, &db).await;
        for acknowledged in all_acknowledged {
            acknowledged.assert_stored(&db).await;
        }
        for Person { user, .. } in &staying {
            let began = Instant::now();
            assert!(app.accounts.suspend(user_key(user)).await.unwrap().is_some());
            assert!(began.elapsed() < SUSPEND_TIMEOUT, "suspending took {:?}", began.elapsed());
        }
        db.close().await.unwrap();
        app.store.clone().close().await.unwrap();
    }
}

/// A server with a proxy that delays the database by a millisecond in each direction. SQLite has no proxy.
async fn start_over_slow_proxy(database: &TestDatabase) -> (TestApp, Option<Proxy>) {
    if database.kind == DatabaseKind::Sqlite {
        return (TestApp::start(database, &[]).await, None);
    }
    let mut url: reqwest::Url = database.url.expose_secret().parse().unwrap();
    let port = url.port().unwrap_or(if database.kind == DatabaseKind::Postgres { 5432 } else { 3306 });
    let server = (url.host_str().unwrap(), port).to_socket_addrs().unwrap().next().unwrap();
    let proxy = Proxy::to(server).await;
    proxy.set(ProxyMode::Delay);
    url.set_host(Some(&proxy.address.ip().to_string())).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let store = store::connect(&database_url(&SecretString::from(url.to_string())), CONNECTIONS).await.unwrap();
    (TestApp::start_on(store, database, &[]).await, Some(proxy))
}

/// A user, and the prefix of their codes.
struct Person {
    name: String,
    user: TestUser,
}

impl Person {
    async fn log_in(app: &TestApp, name: String) -> Self {
        Self { user: app.log_in(&name).await, name }
    }
}

/// The acknowledged writes of a client that continues.
struct Acknowledged<'a> {
    user: &'a TestUser,
    sessions: Vec<TestUser>,
    generation: i64,
    nickname: String,
}

/// Logs in, refreshes and changes the profile, and records the acknowledged writes.
async fn send_rounds<'a>(app: &TestApp, Person { name, user }: &'a Person) -> Acknowledged<'a> {
    let mut acknowledged = Acknowledged { user, sessions: Vec::new(), generation: 0, nickname: String::new() };
    let mut refresh_token = user.refresh_token.clone();
    for round in 0..ROUNDS {
        let began = Instant::now();
        let code = format!("{name}.{round}");
        let session = app.user_of_login(&until_answered(|| login(app.anonymous(), code.clone())).await);
        until_answered(|| session.client.me()).await.data();
        acknowledged.sessions.push(session);
        let refreshed = until_answered(|| refresh(app.anonymous(), refresh_token.clone())).await;
        refresh_token = refreshed.data()["refreshSession"]["refreshToken"].as_str().unwrap().to_owned();
        acknowledged.generation += 1;
        acknowledged.nickname = format!("{name} {round}");
        let update = "mutation($name: String) { updateProfile(input: { nickname: $name }) { user { nickname } } }";
        let name = json!({ "name": acknowledged.nickname });
        until_answered(|| user.client.graphql(update, name.clone())).await.data();
        assert!(began.elapsed() < TIMEOUT, "four requests took {:?}", began.elapsed());
    }
    acknowledged
}

async fn login(client: Client, code: String) -> ApiResponse {
    client.login(&code).await
}

async fn refresh(client: Client, token: String) -> ApiResponse {
    client.refresh(&token).await
}

/// Repeats a request that timed out, as clients do: a database on a busy machine may take longer than one request may.
async fn until_answered<R: Future<Output = ApiResponse>>(request: impl Fn() -> R) -> ApiResponse {
    let began = Instant::now();
    loop {
        let response = request().await;
        let is_late = response.body["errors"][0]["extensions"]["code"] == "TIMEOUT";
        if !is_late || began.elapsed() > TIMEOUT {
            return response;
        }
    }
}

impl Acknowledged<'_> {
    /// Asserts that every acknowledged write is in the database.
    async fn assert_stored(&self, db: &DatabaseConnection) {
        for session in self.sessions.iter().chain([self.user]) {
            let row = session::Entity::find_by_id(session_key(session)).one(db).await.unwrap();
            assert!(row.is_some_and(|row| row.ended_at.is_none()), "an acknowledged login is lost");
        }
        let row = session::Entity::find_by_id(session_key(self.user)).one(db).await.unwrap().unwrap();
        assert_eq!(row.refresh_generation, self.generation, "an acknowledged refresh is lost");
        let row = user::Entity::find_by_id(user_key(self.user)).one(db).await.unwrap().unwrap();
        assert_eq!(row.nickname.as_deref(), Some(&*self.nickname), "an acknowledged profile change is lost");
    }
}

/// Sends every kind of request and drops each before its response, while others continue and for a while after that: a
/// later transaction on the same connection could hide an open one.
async fn drop_requests(app: &TestApp, person: &Person, client: u64, is_quiet: &AtomicBool) {
    let mut left = DROPPED;
    for n in 0_u64.. {
        // at different points of the round trip to the database, the same in each run
        let delay = Duration::from_micros(n.wrapping_mul(7919).wrapping_add(client * 2617) % 9000);
        let _ = timeout(delay, request(app, person, n)).await;
        // the server finishes the dropped requests, so that too many would use up the connections
        sleep(DROP_INTERVAL).await;
        if is_quiet.load(Relaxed) {
            left -= 1;
        }
        if left == 0 {
            return;
        }
    }
}

async fn request(app: &TestApp, Person { name, user }: &Person, n: u64) {
    let (anonymous, client): (Client, &Client) = (app.anonymous(), &user.client);
    let send = async |query: &str| drop(client.graphql(query, json!({ "id": user.session_id, "name": name })).await);
    match n % 9 {
        0 => drop(anonymous.login(&format!("{name}.dropped{n}")).await),
        1 => send("mutation { logout(scope: OTHERS) { endedSessions } }").await,
        2 => drop(anonymous.refresh(&user.refresh_token).await),
        3 => send("mutation($name: String) { updateProfile(input: { nickname: $name }) { user { id } } }").await,
        4 => send("query($id: ID!) { node(id: $id) { id } }").await,
        5 => send("{ me { id identities { id } sessions(first: 5) { totalCount nodes { id } } } }").await,
        6 => drop(anonymous.login(&format!("{name}-{n}.first")).await),
        7 => drop(anonymous.get("/readyz").await),
        _ => send("mutation { revokeSession(sessionId: \"U2Vzc2lvbjpub25l\") { userErrors { code } } }").await,
    }
}

/// Asserts that no transaction is open, and that the number of connections is within the settings.
async fn assert_nothing_is_open(database: &TestDatabase, db: &DatabaseConnection) {
    let (open, all) = match database.kind {
        DatabaseKind::Sqlite => return,
        DatabaseKind::Postgres => (
            "SELECT pid::text AS line FROM pg_stat_activity WHERE datname = current_database()
             AND state LIKE 'idle in transaction%'",
            "SELECT pid::text AS line FROM pg_stat_activity WHERE datname = current_database()",
        ),
        DatabaseKind::MySql => (
            "SELECT CAST(trx_mysql_thread_id AS CHAR) AS line FROM information_schema.innodb_trx
             WHERE trx_mysql_thread_id IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE())
             AND trx_mysql_thread_id <> CONNECTION_ID()",
            "SELECT CAST(id AS CHAR) AS line FROM information_schema.processlist WHERE db = DATABASE()",
        ),
    };
    // running transactions end by themselves; abandoned ones stay open
    let mut left = Vec::new();
    for _ in 0..40 {
        left = db_lines(db, open).await;
        if left.is_empty() {
            break;
        }
        // MySQL refreshes this view at most every 0.1 s
        sleep(Duration::from_millis(250)).await;
    }
    assert!(left.is_empty(), "{} transactions are open", left.len());
    // the connections of the feed, and that of this test
    let others = 4 + 10;
    let connections = db_lines(db, all).await.len();
    assert!(connections <= CONNECTIONS as usize + others, "{connections} connections");
}
