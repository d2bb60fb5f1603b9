//! The settings, once read and found good. `read` gathers them from the environment, the file and the defaults,
//! and lists every problem at once; `table` is the list of all of them.

mod address;
mod apps;
mod credential;
mod file;
pub mod keyfile;
mod manifest;
mod problems;
mod read;
mod reader;
mod source;
pub mod table;
mod value;

pub use address::is_loopback_site;
pub use problems::Problems;
pub use read::read;
pub use source::{Environment, process_environment};

use std::{collections::HashMap, net::SocketAddr, num::NonZeroU32, time::Duration};

use ipnet::IpNet;
use secrecy::{SecretSlice, SecretString};

/// Everything the server can be told.
#[derive(Debug)]
pub struct Config {
    /// Address of the API; port 0 picks a free one. `LISTEN`
    pub listen: SocketAddr,
    /// Where the database is, with its password. `DATABASE_URL`
    pub database_url: SecretString,
    /// Connections to the database this process may hold open. `database_connections`, file only
    pub database_connections: u32,
    /// The mini programs and how to call WeChat.
    pub wechat: Wechat,
    /// Whether WeChat is played by the built-in emulator: so when no mini program is configured.
    pub emulator: bool,
    /// Keys that sign and seal, newest first; each 32 bytes or more. `SECRET_KEY`
    pub secret_keys: Vec<SecretSlice<u8>>,
    /// Lifetimes and caps of sessions.
    pub sessions: Sessions,
    /// Whether `/graphiql` and introspection are on. `GRAPHIQL`
    pub graphiql: bool,
    /// Browser origins that may call, such as `https://app.example`. `CORS_ORIGINS`
    pub cors_origins: Vec<String>,
    /// Networks whose `X-Forwarded-For` counts. `TRUSTED_PROXIES`
    pub trusted_proxies: Vec<IpNet>,
    /// Logins for each client address; `None` is no limit. `LOGIN_RATE_LIMIT`
    pub login_rate: Option<Rate>,
    /// Logins for each mini program; `None` is no limit, and so it is where `LOGIN_RATE_LIMIT` is off.
    /// `app_login_rate_limit`, file only
    pub app_login_rate: Option<Rate>,
    /// Refreshes for each client address; `None` is no limit. `REFRESH_RATE_LIMIT`
    pub refresh_rate: Option<Rate>,
    /// Logins, refreshes and profile changes of one user; `None` is no limit, and so it is where `LOGIN_RATE_LIMIT` is
    /// off. `user_rate_limit`, file only
    pub user_rate: Option<Rate>,
    /// The Redis that counts those four for all nodes, with its password; `None` where each counts its own. `REDIS_URL`
    pub redis_url: Option<SecretString>,
    /// The only documents that run, by id; `None` where any may. `TRUSTED_DOCUMENTS`
    pub trusted_documents: Option<HashMap<String, String>>,
    /// How much a GraphQL document may ask for.
    pub limits: Limits,
    /// Requests at once; one more is told to come back. `requests_in_flight`, file only
    pub requests_in_flight: u32,
    /// Subscribers' connections at once. `subscriptions`, file only
    pub subscriptions: u32,
    /// Those of one user. `subscriptions_per_user`, file only
    pub subscriptions_per_user: u32,
    /// How long a client may take for the head of a request, for its body, and between two requests. `client_timeout`,
    /// file only
    pub client_timeout: Duration,
    /// Filter of the log, in the syntax of `tracing_subscriber::EnvFilter`. `LOG`
    pub log: String,
    /// Form of the log. `LOG_FORMAT`
    pub log_format: LogFormat,
}

impl Config {
    /// Whether no key is set: so with the emulator, where `keyfile` makes one.
    #[must_use]
    pub fn needs_generated_key(&self) -> bool {
        self.secret_keys.is_empty()
    }
}

/// The mini programs, and how WeChat is called for them.
#[derive(Debug)]
pub struct Wechat {
    /// The mini programs; the first is the one a login without an appid is for.
    /// `WECHAT_APP_ID` and `WECHAT_APP_SECRET`, `WECHAT_APPS`
    pub apps: Vec<App>,
    /// Hosts of WeChat's API, in order of preference, without a slash at the end. `WECHAT_API_BASE`
    pub hosts: Vec<String>,
    /// How long to wait for a connection. `wechat_connect_timeout`, file only
    pub connect_timeout: Duration,
    /// How long to wait for an answer, from the start of the call. `wechat_timeout`, file only
    pub timeout: Duration,
    /// Calls in flight for each mini program. `wechat_calls_in_flight`, file only
    pub calls_in_flight: u32,
    /// How long the outcome of a code is kept for a client that lost its answer; zero is not at all.
    /// `login_repeat_window`, file only
    pub repeat_window: Duration,
}

/// One mini program.
#[derive(Clone, Debug)]
pub struct App {
    /// Its appid.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Name of the open-platform account it is bound to: the scope of its unionids. `open_platforms`, file only
    pub open_platform: String,
}

/// Lifetimes and caps of sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Time to live of an access token. `ACCESS_TOKEN_TTL`
    pub access_ttl: Duration,
    /// How long a session lives without being refreshed. `REFRESH_TOKEN_TTL`
    pub refresh_ttl: Duration,
    /// How long a session lives in all. `SESSION_MAX_AGE`
    pub max_age: Duration,
    /// Live sessions of one user; the oldest ends when there is one more. `sessions_per_user`, file only
    pub per_user: u32,
    /// Sessions kept in memory. `sessions_cached`, file only
    pub cached: u32,
    /// How long the row of a session is kept after its end. `sessions_kept`, file only
    pub kept: Duration,
}

/// How much a GraphQL document may ask for. In the file only, each under `query_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length in bytes. `query_bytes`
    pub bytes: u32,
    /// Words and signs. `query_tokens`
    pub tokens: u32,
    /// Brackets, braces and parentheses within each other, also with fragments written out. `query_nesting`
    pub nesting: u32,
    /// Fields, and fragments where they are used, with those written out. `query_fields`
    pub fields: u32,
    /// Fields within each other, likewise. `query_depth`
    pub depth: u32,
    /// Fields under another name, likewise. `query_aliases`
    pub aliases: u32,
    /// Directives, likewise. `query_directives`
    pub directives: u32,
    /// Fields of a query's root, likewise. `query_roots`
    pub query_roots: u32,
    /// Fields of a mutation's root, likewise. `mutation_roots`
    pub mutation_roots: u32,
}

impl Default for Limits {
    /// `GraphiQL`'s introspection query fits, and so does whatever a client of this schema has reason to ask.
    fn default() -> Self {
        Self {
            bytes: 16 * 1024,
            tokens: 2000,
            nesting: 48,
            fields: 1000,
            depth: 20,
            aliases: 30,
            directives: 50,
            query_roots: 20,
            mutation_roots: 5,
        }
    }
}

/// So many within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; also how many at once.
    pub count: NonZeroU32,
    /// Within how long.
    pub period: Duration,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for a person.
    Text,
    /// One JSON object a line.
    Json,
}
