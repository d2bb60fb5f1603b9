//! The settings. `declarations` declares each of them, `Config` has their values, and `read` builds it from the
//! environment, the settings file and the defaults, or lists every problem.

mod address;
mod apps;
mod credential;
mod database_url;
mod declarations;
mod emulator_rule;
mod file;
mod help;
pub mod keyfile;
mod manifest;
mod media;
mod media_url;
mod parse;
mod problems;
mod raw;
mod read;
mod rules;
mod setting;
mod source;
mod value;

pub use address::is_loopback_origin;
pub use database_url::{DatabaseServer, DatabaseUrl, DatabaseUrlError, Host, SqliteDatabase, Tls, TlsMode};
pub use declarations::SETTINGS;
pub use help::help;
pub use media::{Bucket, MediaLocation};
pub use problems::ConfigProblems;
pub use read::{read, read_for_command};
pub use setting::{Declaration, Kind};
pub use source::{Environment, process_environment};

use std::{collections::HashMap, net::SocketAddr, num::NonZeroU32, time::Duration};

use ipnet::IpNet;
use secrecy::{SecretSlice, SecretString};

use raw::RawSettings;
use setting::Setting;

/// Declares a struct with the expression that reads each field. If a value is invalid, the result is `None`.
macro_rules! config {
    (|$raw:ident| $(
        $(#[$about:meta])*
        pub struct $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $value:expr,)+ }
    )+) => {
        $(
            $(#[$about])*
            pub struct $name { $($(#[$doc])* pub $field: $type,)+ }

            impl $name {
                fn read($raw: &RawSettings) -> Option<Self> {
                    Some(Self { $($field: $value?,)+ })
                }
            }
        )+
    };
}

config! {
    |raw|

    /// The value of every setting.
    #[derive(Debug)]
    pub struct Config {
        /// Address of the API; port 0 picks a free one.
        listen: SocketAddr = raw.get(&declarations::LISTEN),
        /// Address of the database, with its password.
        database_url: DatabaseUrl = raw.get(&declarations::DATABASE_URL),
        /// The maximum number of open database connections of this process.
        database_connections: u32 = raw.get(&declarations::DATABASE_CONNECTIONS),
        /// The mini programs, and how WeChat is called.
        wechat: Wechat = Wechat::read(raw),
        /// The keys of WeChat's message push.
        push: Push = Push::read(raw),
        /// Whether WeChat checks nicknames and pictures, and the effect of its suggestions.
        content: Content = Content::read(raw),
        /// Whether the headers of WeChat cloud hosting identify the caller.
        cloud_hosting: bool = raw.get(&declarations::CLOUD_HOSTING),
        /// Whether the built-in emulator replaces WeChat, which requires that no mini program is configured.
        emulator: bool = Some(apps::is_emulated(raw)),
        /// Keys for signatures and encryption, newest first, each of 32 bytes or more.
        secret_keys: Vec<SecretSlice<u8>> = raw.get(&declarations::SECRET_KEY),
        /// Lifetimes and numbers of sessions.
        sessions: Sessions = Sessions::read(raw),
        /// The time between a user's request to delete their account and the deletion; until then they may cancel.
        deletion_grace: Duration = raw.get(&declarations::DELETION_GRACE),
        /// Whether a first login joins the account that has its phone number.
        phone_joins_accounts: bool = raw.get(&declarations::PHONE_JOINS_ACCOUNTS),
        /// Whether `/graphiql` and introspection are on.
        graphiql: bool = raw.get(&declarations::GRAPHIQL).map(|graphiql| graphiql.unwrap_or(apps::is_emulated(raw))),
        /// Browser origins that may call, such as `https://app.example`.
        cors_origins: Vec<String> = raw.get(&declarations::CORS_ORIGINS),
        /// Where pictures are stored.
        media: MediaLocation = media::location(raw),
        /// The URL that clients use, without a trailing slash; `None` if it is taken from each request.
        public_url: Option<String> = raw.get(&declarations::PUBLIC_URL),
        /// Networks whose `X-Forwarded-For` is trusted.
        trusted_proxies: Vec<IpNet> = raw.get(&declarations::TRUSTED_PROXIES),
        /// Logins for each client address; `None` is no limit.
        login_rate: Option<Rate> = raw.get(&declarations::LOGIN_RATE_LIMIT),
        /// Logins for each mini program; `None` is no limit. Off if `LOGIN_RATE_LIMIT` is off.
        app_login_rate: Option<Rate> = rate_besides_logins(raw, &declarations::APP_LOGIN_RATE_LIMIT),
        /// Refreshes for each client address; `None` is no limit.
        refresh_rate: Option<Rate> = raw.get(&declarations::REFRESH_RATE_LIMIT),
        /// Logins, refreshes and profile changes of one user; `None` is no limit. Off if `LOGIN_RATE_LIMIT` is off.
        user_rate: Option<Rate> = rate_besides_logins(raw, &declarations::USER_RATE_LIMIT),
        /// Pictures that one user uploads; `None` is no limit. Off if `LOGIN_RATE_LIMIT` is off.
        avatar_rate: Option<Rate> = rate_besides_logins(raw, &declarations::AVATAR_RATE_LIMIT),
        /// URL, with its password, of the Redis that holds the rate limits of all nodes; `None` if each node has its
        /// own.
        redis_url: Option<SecretString> = raw.get(&declarations::REDIS_URL),
        /// The only documents that may run, by id; `None` if any document may.
        trusted_documents: Option<HashMap<String, String>> = raw.get(&declarations::TRUSTED_DOCUMENTS),
        /// Limits of a GraphQL document.
        limits: Limits = Limits::read(raw),
        /// Concurrent requests; one more is refused.
        requests_in_flight: u32 = raw.get(&declarations::REQUESTS_IN_FLIGHT),
        /// Concurrent connections of subscribers.
        subscriptions: u32 = raw.get(&declarations::SUBSCRIPTIONS),
        /// Concurrent connections of one subscriber.
        subscriptions_per_user: u32 = raw.get(&declarations::SUBSCRIPTIONS_PER_USER),
        /// How long a client may take to send the head of a request, and to send its body.
        client_timeout: Duration = raw.get(&declarations::CLIENT_TIMEOUT),
        /// How long an idle connection stays open.
        keep_alive_timeout: Duration = raw.get(&declarations::KEEP_ALIVE_TIMEOUT),
        /// Filter of the log, in the syntax of `tracing_subscriber::EnvFilter`.
        log: String = raw.get(&declarations::LOG),
        /// Format of the log.
        log_format: LogFormat = raw.get(&declarations::LOG_FORMAT),
    }

    /// The mini programs, and how WeChat is called for them.
    #[derive(Debug)]
    pub struct Wechat {
        /// The mini programs; a login without an appid is for the first.
        apps: Vec<App> = apps::apps(raw),
        /// Hosts of WeChat's API, in order of preference, without a trailing slash.
        hosts: Vec<String> = apps::hosts(raw),
        /// The timeout for connecting.
        connect_timeout: Duration = raw.get(&declarations::WECHAT_CONNECT_TIMEOUT),
        /// The timeout of a response, including the time for connecting.
        timeout: Duration = raw.get(&declarations::WECHAT_TIMEOUT),
        /// Concurrent calls for each mini program.
        calls_in_flight: u32 = raw.get(&declarations::WECHAT_CALLS_IN_FLIGHT),
        /// How long the result of a code is stored for a client that did not get the response; zero stores none.
        repeat_window: Duration = raw.get(&declarations::LOGIN_REPEAT_WINDOW),
    }

    /// The keys of WeChat's message push.
    #[derive(Debug)]
    pub struct Push {
        /// The token that signs messages; `None` if none are accepted.
        token: Option<SecretString> = raw.get(&declarations::WECHAT_PUSH_TOKEN),
        /// The key that encrypts messages, of 32 bytes.
        aes_key: Option<SecretSlice<u8>> = raw.get(&declarations::WECHAT_PUSH_AES_KEY),
    }

    /// The effect of WeChat's content check.
    #[derive(Clone, Copy, Debug)]
    pub struct Content {
        /// Whether content is checked, and the effect of the suggestion.
        check: ContentCheck = raw.get(&declarations::CONTENT_CHECK),
        /// Whether content that a person should review is kept.
        keeps_review: bool = raw.get(&declarations::CONTENT_CHECK_REVIEW),
        /// Whether content that could not be checked is kept.
        keeps_unchecked: bool = raw.get(&declarations::CONTENT_CHECK_UNAVAILABLE),
    }

    /// Lifetimes and numbers of sessions.
    #[derive(Clone, Debug)]
    pub struct Sessions {
        /// Lifetime of an access token.
        access_ttl: Duration = raw.get(&declarations::ACCESS_TOKEN_TTL),
        /// How long a session lives without a refresh.
        refresh_ttl: Duration = raw.get(&declarations::REFRESH_TOKEN_TTL),
        /// How long a session lives at most.
        max_age: Duration = raw.get(&declarations::SESSION_MAX_AGE),
        /// Live sessions of one user; one more ends the oldest.
        per_user: u32 = raw.get(&declarations::SESSIONS_PER_USER),
        /// Sessions cached in memory.
        cached: u32 = raw.get(&declarations::SESSIONS_CACHED),
        /// How long the row of a session is kept after its end.
        kept: Duration = raw.get(&declarations::SESSIONS_KEPT),
    }

    /// Limits of a GraphQL document. Fragments count wherever they are used.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Limits {
        /// Length in bytes.
        bytes: u32 = raw.get(&declarations::QUERY_BYTES),
        /// Lexical tokens.
        tokens: u32 = raw.get(&declarations::QUERY_TOKENS),
        /// Nesting of brackets, braces and parentheses.
        nesting: u32 = raw.get(&declarations::QUERY_NESTING),
        /// Fields and fragments.
        fields: u32 = raw.get(&declarations::QUERY_FIELDS),
        /// Nesting of fields.
        depth: u32 = raw.get(&declarations::QUERY_DEPTH),
        /// Aliases.
        aliases: u32 = raw.get(&declarations::QUERY_ALIASES),
        /// Directives.
        directives: u32 = raw.get(&declarations::QUERY_DIRECTIVES),
        /// Root fields of a query.
        query_roots: u32 = raw.get(&declarations::QUERY_ROOTS),
        /// Root fields of a mutation.
        mutation_roots: u32 = raw.get(&declarations::MUTATION_ROOTS),
    }
}

/// A rate limit that is off if `LOGIN_RATE_LIMIT` is off: a load test turns all of them off with one setting.
#[expect(
    clippy::option_option,
    reason = "the outer one is whether the text is valid, the inner one whether there is a limit"
)]
fn rate_besides_logins(raw: &RawSettings, setting: &Setting<Option<Rate>>) -> Option<Option<Rate>> {
    let logins = raw.get(&declarations::LOGIN_RATE_LIMIT)?;
    raw.get(setting).map(|rate| logins.and(rate))
}

impl Config {
    /// Whether no key is set. This is only possible with the emulator; `keyfile` then generates one.
    #[must_use]
    pub fn needs_generated_key(&self) -> bool {
        self.secret_keys.is_empty()
    }
}

#[cfg(test)]
impl Default for Limits {
    fn default() -> Self {
        Self::read(&RawSettings::default()).unwrap()
    }
}

/// One mini program.
#[derive(Clone, Debug)]
pub struct App {
    /// Its appid.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Name of the open-platform account it is bound to: the scope of its unionids.
    pub open_platform: String,
}

/// A number of events in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The number; also the largest burst.
    pub count: NonZeroU32,
    /// The period.
    pub period: Duration,
}

/// The effect of WeChat's content check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCheck {
    /// Content is not checked.
    Off,
    /// Content that does not pass is kept and flagged.
    Flag,
    /// Risky content is refused.
    Enforce,
}

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines of text.
    Text,
    /// One JSON object per line.
    Json,
}
