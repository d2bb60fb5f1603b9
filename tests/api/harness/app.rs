//! A server in process with its own database, clock and fake WeChat, and clients that call it.

use std::{collections::HashMap, env::VarError, fs, net::Ipv4Addr, path::PathBuf, sync::Arc};

use axum::{
    body::Body,
    http::{Request, header, request::Builder},
};
use http_body_util::BodyExt;
use miniaccount::{
    account::Accounts,
    clock::SharedClock,
    config,
    graphql::Engine,
    http::{App, HttpService},
    server,
    store::{self, Store},
    token::KeyRing,
};
use sea_orm::{Database, DatabaseConnection};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ApiResponse, FakeWechat, ManualClock, TestDatabase, database_url, log::print_log};

/// The settings of a test, as environment variables. `{wechat}` in a value is replaced by the URL of the fake WeChat.
/// The value of `FILE` is the text of the settings file.
pub(crate) type Settings = &'static [(&'static str, &'static str)];

/// The defaults of all tests: two mini programs, and no rate limits.
const DEFAULTS: [(&str, &str); 7] = [
    ("WECHAT_APP_ID", "wx1"),
    ("WECHAT_APP_SECRET", "secret-of-wx1"),
    ("WECHAT_APPS", "wx2:secret-of-wx2"),
    ("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("LOGIN_RATE_LIMIT", "off"),
    ("REFRESH_RATE_LIMIT", "off"),
    ("GRAPHIQL", "on"),
];

/// The server in process.
#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) accounts: Arc<Accounts>,
    /// The server's store, for helpers that bypass the API.
    pub(crate) store: Store,
    /// The keys of the server's settings.
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) clock: ManualClock,
    pub(crate) wechat: Arc<FakeWechat>,
    /// The database URL, for helpers that bypass the API.
    pub(crate) database: SecretString,
    settings: Vec<(String, String)>,
    /// The folder of uploaded pictures.
    pub(crate) media: PathBuf,
    pub(super) service: HttpService,
}

impl TestApp {
    /// Migrates a database, and starts a server on it.
    pub(crate) async fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let store = store::connect(&database_url(&database.url), 16).await.unwrap();
        Self::start_on(store, database, settings).await
    }

    /// The same with a store that the test opened.
    pub(crate) async fn start_on(store: Store, database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        print_log();
        let wechat = Arc::new(FakeWechat::start().await);
        store.migrate().await.unwrap();
        let media = format!("file:{}", database.media().display());
        let settings = [vec![("MEDIA_URL".to_owned(), media)], owned(settings)].concat();
        let clock = ManualClock::new();
        let ServerParts { accounts, keys, service } = build(store.clone(), Arc::new(clock.clone()), &wechat, &settings);
        Self {
            accounts,
            store,
            keys,
            clock,
            wechat,
            database: database.url.clone(),
            settings,
            media: database.media(),
            service,
        }
    }

    /// Another node on the same database, with the same WeChat, clock and settings.
    pub(crate) async fn another_node(&self) -> Self {
        self.another_node_with(&[]).await
    }

    /// The same with other values for some settings.
    pub(crate) async fn another_node_with(&self, settings: Settings) -> Self {
        let store = store::connect(&database_url(&self.database), 16).await.unwrap();
        self.another_node_on(store, Arc::new(self.clock.clone()), settings)
    }

    /// The same with its own store and clock.
    pub(crate) fn another_node_on(&self, store: Store, clock: SharedClock, settings: Settings) -> Self {
        let settings = [self.settings.clone(), owned(settings)].concat();
        let ServerParts { accounts, keys, service } = build(store.clone(), clock, &self.wechat, &settings);
        Self { accounts, store, keys, settings, service, ..self.clone() }
    }

    /// A separate GraphQL engine, equal to that of the server.
    pub(crate) fn engine(&self) -> Engine {
        Engine::new(&self.accounts, &read_config(&self.wechat, &self.settings))
    }

    /// The same server, with every query sent through the executor.
    pub(crate) fn without_direct_queries(&self) -> Self {
        let engine = self.engine().without_direct_queries();
        let app = App::with_engine(Arc::clone(&self.accounts), engine, &read_config(&self.wechat, &self.settings));
        Self { service: app.service(), ..self.clone() }
    }

    /// Tails the feed from now on, so that the server caches sessions.
    pub(crate) fn tail_feed(&self) -> AbortOnDrop {
        let accounts = Arc::clone(&self.accounts);
        AbortOnDrop(tokio::spawn(async move { accounts.tail_feed().await }))
    }

    /// A separate connection to the database, for helpers that bypass the API.
    pub(crate) async fn db(&self) -> DatabaseConnection {
        Database::connect(self.database.expose_secret()).await.unwrap()
    }

    /// A client without a token.
    pub(crate) fn anonymous(&self) -> Client {
        Client { service: self.service.clone(), token: None, headers: Vec::new() }
    }

    /// A client that sends a token, valid or not.
    pub(crate) fn with_token(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.anonymous() }
    }

    /// Logs in through the API as the user `o_<name>`. A suffix `.anything` of the name makes it another code.
    pub(crate) async fn log_in(&self, name: &str) -> TestUser {
        self.user_of_login(&self.anonymous().login(name).await)
    }

    /// The user that the response to a login describes.
    pub(crate) fn user_of_login(&self, response: &ApiResponse) -> TestUser {
        let login = response.data()["login"].clone();
        let text = |pointer: &str| login.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        TestUser {
            client: self.with_token(&text("/token")),
            token: text("/token"),
            refresh_token: text("/refreshToken"),
            user_id: text("/user/id"),
            session_id: text("/session/id"),
            login,
        }
    }
}

/// A task that is aborted when this is dropped.
pub(crate) struct AbortOnDrop(pub(super) tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The parts of a server.
struct ServerParts {
    accounts: Arc<Accounts>,
    keys: Arc<KeyRing>,
    service: HttpService,
}

fn build(store: Store, clock: SharedClock, wechat: &FakeWechat, settings: &[(String, String)]) -> ServerParts {
    let config = read_config(wechat, settings);
    let accounts = Arc::new(server::accounts(&config, store, clock).unwrap());
    let keys = Arc::new(KeyRing::new(&config.secret_keys).unwrap());
    let service = App::new(Arc::clone(&accounts), &config).service();
    ServerParts { accounts, keys, service }
}

fn read_config(wechat: &FakeWechat, settings: &[(String, String)]) -> config::Config {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    config(&wechat.base, &settings)
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The settings of a test, read like those of the server.
pub(crate) fn config(wechat: &str, settings: &[(&str, &str)]) -> config::Config {
    let mut variables: HashMap<&str, &str> = DEFAULTS.into_iter().chain([("WECHAT_API_BASE", "{wechat}")]).collect();
    variables.extend(settings.iter().copied());
    let folder = TempDir::new().unwrap();
    let file = variables.remove("FILE").map(|text| {
        let path = folder.path().join("settings.toml");
        fs::write(&path, text).unwrap();
        path
    });
    let environment = |name: &str| {
        let value = variables.get(name).ok_or(VarError::NotPresent)?;
        Ok(value.replace("{wechat}", wechat))
    };
    config::read(&environment, file.as_deref()).unwrap().0
}

/// A user with a session, and a client with its access token.
pub(crate) struct TestUser {
    pub(crate) client: Client,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    /// The payload of the login.
    pub(crate) login: Value,
}

/// A client of the server.
#[derive(Clone)]
pub(crate) struct Client {
    service: HttpService,
    token: Option<String>,
    headers: Vec<(&'static str, String)>,
}

/// A login with all fields of its payload.
const LOGIN: &str = "mutation Login($code: String!, $appId: String, $device: DeviceInput) {
    login(code: $code, appId: $appId, device: $device) {
        token expiresAt refreshToken refreshExpiresAt isNewUser
        user { id nickname avatarUrl createdAt }
        session { id deviceName userAgent ipPrefix isCurrent createdAt lastUsedAt expiresAt }
    }
}";

impl Client {
    /// Adds a header to all requests.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Logs in with a code.
    pub(crate) async fn login(&self, code: &str) -> ApiResponse {
        self.login_with(json!({ "code": code })).await
    }

    /// Logs in with arguments: `code`, `appId`, `device`.
    pub(crate) async fn login_with(&self, arguments: Value) -> ApiResponse {
        self.graphql(LOGIN, arguments).await
    }

    /// Refreshes a session.
    pub(crate) async fn refresh(&self, token: &str) -> ApiResponse {
        let query = "mutation($token: String!) { refreshSession(refreshToken: $token) {
            token expiresAt refreshToken refreshExpiresAt user { id } session { id expiresAt } } }";
        self.graphql(query, json!({ "token": token })).await
    }

    /// Sends `me { id }`.
    pub(crate) async fn me(&self) -> ApiResponse {
        self.graphql("{ me { id } }", json!({})).await
    }

    /// Sends a GraphQL request.
    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> ApiResponse {
        self.post("/graphql", &json!({ "query": query, "variables": variables })).await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> ApiResponse {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request, body.to_string()).await
    }

    /// Sends a GET request.
    pub(crate) async fn get(&self, path: &str) -> ApiResponse {
        self.send(Request::get(path), "").await
    }

    /// Sends any request with the client's token and headers.
    pub(crate) async fn send(&self, mut request: Builder, body: impl Into<Body>) -> ApiResponse {
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.service.clone().handle(Ipv4Addr::LOCALHOST.into(), request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        ApiResponse { status: parts.status, headers: parts.headers, body, text, bytes: bytes.to_vec() }
    }
}
