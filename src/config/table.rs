//! The one table of settings: their names, whether they are secret, their defaults and what they mean.
//! Reading, the refusal of unknown names and `--help` all go by it.

use std::fmt::Write as _;

/// Where a setting may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The environment variable, or the key in the file.
    Plain,
    /// The same, and also `NAME_FILE`: the path of a file that holds the value.
    Secret,
    /// Only the key in the file.
    FileOnly,
    /// Only the file, where it is a table of names.
    Names,
}

/// One row of the table.
#[derive(Debug)]
pub struct Setting {
    /// The environment variable; for what is in the file only, the key in capitals.
    pub name: &'static str,
    /// Where it may come from.
    pub kind: Kind,
    /// The value when nothing is set, as it would be written; empty is none.
    pub default: &'static str,
    /// What it means, in a line.
    pub meaning: &'static str,
}

impl Setting {
    /// The key in the file.
    #[must_use]
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

macro_rules! settings {
    ($($name:ident: $kind:ident, $default:literal, $meaning:literal;)+) => {
        $(
            #[doc = concat!("The row of `", stringify!($name), "`; its meaning is in it.")]
            pub static $name: Setting =
                Setting { name: stringify!($name), kind: Kind::$kind, default: $default, meaning: $meaning };
        )+

        /// All settings, in the order a reader wants to meet them.
        pub static ALL: &[&Setting] = &[$(&$name,)+];
    };
}

settings! {
    LISTEN: Plain, "127.0.0.1:8000", "address of the API; port 0 picks a free one and logs it";
    DATABASE_URL: Secret, "sqlite://miniaccount.db?mode=rwc", "the database: sqlite:, postgres: or mysql:";
    WECHAT_APP_ID: Plain, "", "appid of the mini program; without one, WeChat is played by the emulator";
    WECHAT_APP_SECRET: Secret, "", "secret of the mini program";
    WECHAT_APPS: Secret, "", "more mini programs: appid:secret,appid:secret";
    WECHAT_API_BASE: Plain, "https://api.weixin.qq.com,https://api2.weixin.qq.com",
        "hosts of WeChat's API, in order of preference";
    SECRET_KEY: Secret, "", "32 or more random bytes in base64; several, newest first, separated by commas, rotate it";
    ACCESS_TOKEN_TTL: Plain, "2h", "time to live of an access token";
    REFRESH_TOKEN_TTL: Plain, "30d", "how long a session lives without being refreshed";
    SESSION_MAX_AGE: Plain, "180d", "how long a session lives in all";
    GRAPHIQL: Plain, "", "the explorer and introspection: true or false; on with the emulator, else off";
    CORS_ORIGINS: Plain, "", "browser origins that may call, such as https://app.example";
    TRUSTED_PROXIES: Plain, "", "networks whose X-Forwarded-For counts, such as 10.0.0.0/8";
    LOGIN_RATE_LIMIT: Plain, "600/min", "logins for each client address; off for load tests";
    REFRESH_RATE_LIMIT: Plain, "600/min", "refreshes for each client address; off for load tests";
    TRUSTED_DOCUMENTS: Plain, "", "path of a manifest (Apollo's or Relay's) of the only documents that run";
    REDIS_URL: Secret, "", "a Redis that counts logins and refreshes for several nodes together: redis: or rediss:";
    METRICS_LISTEN: Plain, "", "address for /metrics; no effect in this version";
    LOG: Plain, "info", "filter of the log, such as info,miniaccount=debug";
    LOG_FORMAT: Plain, "text", "form of the log: text or json";
    DATABASE_CONNECTIONS: FileOnly, "16", "connections to the database this process may hold open";
    WECHAT_CONNECT_TIMEOUT: FileOnly, "2s", "how long to wait for a connection to WeChat";
    WECHAT_TIMEOUT: FileOnly, "5s", "how long to wait for an answer of WeChat, connecting included";
    WECHAT_CALLS_IN_FLIGHT: FileOnly, "64", "calls to WeChat at once, for each mini program";
    LOGIN_REPEAT_WINDOW: FileOnly, "10s", "how long a login is kept for a client that lost its answer; off is not at all";
    OPEN_PLATFORMS: Names, "", "a table from appid to the open-platform account it is bound to; the rest share one";
    SESSIONS_PER_USER: FileOnly, "20", "live sessions of one user; one more ends the oldest";
    SESSIONS_CACHED: FileOnly, "50000", "sessions kept in memory, at about a kilobyte each";
    SESSIONS_KEPT: FileOnly, "7d", "how long it is kept in the database why a session ended";
    APP_LOGIN_RATE_LIMIT: FileOnly, "30000/min", "logins for each mini program; off where LOGIN_RATE_LIMIT is off";
    USER_RATE_LIMIT: FileOnly, "600/min", "logins, refreshes and profile changes of one user; off where LOGIN_RATE_LIMIT is off";
    REQUESTS_IN_FLIGHT: FileOnly, "512", "requests at once; one more is told to come back";
    SUBSCRIPTIONS: FileOnly, "10000", "subscribers' connections at once; one more is told to come back";
    SUBSCRIPTIONS_PER_USER: FileOnly, "10", "those of one user";
    CLIENT_TIMEOUT: FileOnly, "15s", "how long a client may take for the head of a request, for its body, and between two requests";
    QUERY_BYTES: FileOnly, "16384", "length of a GraphQL document in bytes";
    QUERY_TOKENS: FileOnly, "2000", "words and signs of a document";
    QUERY_NESTING: FileOnly, "48", "brackets of a document within each other, at most 64";
    QUERY_FIELDS: FileOnly, "1000", "fields and fragments of a document, written out wherever they are used";
    QUERY_DEPTH: FileOnly, "20", "fields of a document within each other, likewise";
    QUERY_ALIASES: FileOnly, "30", "aliases of a document, likewise";
    QUERY_DIRECTIVES: FileOnly, "50", "directives of a document, likewise";
    QUERY_ROOTS: FileOnly, "20", "fields at the root of a query, likewise";
    MUTATION_ROOTS: FileOnly, "5", "fields at the root of a mutation, likewise; `login` at most once";
}

/// Settings that are known, so that nobody is refused for setting them, but do nothing in this version.
pub static WITHOUT_EFFECT: &[&Setting] = &[&METRICS_LISTEN];

/// What `--help` says above the table.
const LEGEND: &str = "\
Settings, with their [defaults]. The environment comes first, then the file, where names are in lower case.
Those with * can be in a file of their own: the name with _FILE behind it is then its path.
Those in lower case can be in miniaccount.toml only.";

/// The table as `--help` prints it.
#[must_use]
pub fn help() -> String {
    let mut text = format!("{LEGEND}\n");
    for setting in ALL {
        let name = match setting.kind {
            Kind::Plain => setting.name.to_owned(),
            Kind::Secret => format!("{}*", setting.name),
            Kind::FileOnly | Kind::Names => setting.key(),
        };
        let default = if setting.default.is_empty() { String::new() } else { format!(" [{}]", setting.default) };
        // writing to a String cannot fail
        let _ = writeln!(text, "  {name:<24}{}{default}", setting.meaning);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_variable_is_in_the_table() {
        let promised = "LISTEN DATABASE_URL WECHAT_APP_ID WECHAT_APP_SECRET WECHAT_APPS WECHAT_API_BASE SECRET_KEY \
            ACCESS_TOKEN_TTL REFRESH_TOKEN_TTL SESSION_MAX_AGE GRAPHIQL CORS_ORIGINS TRUSTED_PROXIES \
            LOGIN_RATE_LIMIT REFRESH_RATE_LIMIT TRUSTED_DOCUMENTS REDIS_URL METRICS_LISTEN LOG LOG_FORMAT";
        let variables = ALL.iter().filter(|setting| matches!(setting.kind, Kind::Plain | Kind::Secret));
        assert_eq!(variables.map(|setting| setting.name).collect::<Vec<_>>().join(" "), promised);
    }

    #[test]
    fn whatever_can_hold_a_password_can_come_from_a_file_of_its_own() {
        let secrets = ALL.iter().filter(|setting| setting.kind == Kind::Secret).map(|setting| setting.name);
        let expected = ["DATABASE_URL", "WECHAT_APP_SECRET", "WECHAT_APPS", "SECRET_KEY", "REDIS_URL"];
        assert_eq!(secrets.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn help_names_every_setting_as_it_is_written() {
        let help = help();
        assert!(["\n  LISTEN ", "\n  SECRET_KEY* "].iter().all(|start| help.contains(start)));
        assert!(help.contains("\n  database_connections "));
        assert_eq!(help.lines().count(), ALL.len() + LEGEND.lines().count());
    }
}
