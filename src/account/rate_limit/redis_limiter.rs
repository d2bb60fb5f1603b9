//! Counts for all nodes together, in Redis. A call runs one script, which takes one round trip. It decides like the
//! local limiter, and does not count a refused request. Redis stores only counters, and each expires when it is back to
//! zero.

use std::{sync::LazyLock, time::Duration};

use redis::{Client, IntoConnectionInfo, RedisError, Script, ScriptInvocation, io::tcp::TcpSettings};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Limit, LimitReached,
    client_networks::{ClientNetworks, site_rate},
    redis_connection::RedisConnection,
};
use crate::config::{Config, Rate};

/// The prefix of all keys. The braces are a hash tag: the keys of one call are in one slot of a Redis cluster.
const PREFIX: &str = "{miniaccount}:limit";

/// The GCRA script.
static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("count.lua")));

/// The limits, counted in Redis.
pub(super) struct RedisLimiter {
    connection: RedisConnection,
    login: Option<Rate>,
    app_login: Option<Rate>,
    user: Option<Rate>,
    avatar: Option<Rate>,
    refresh: Option<Rate>,
}

impl RedisLimiter {
    /// `None` if no Redis is configured.
    pub(super) fn new(config: &Config) -> Result<Option<Self>, RedisError> {
        let Some(url) = &config.redis_url else { return Ok(None) };
        Ok(Some(Self {
            connection: RedisConnection::open(client(url)?, &COUNT, probe()),
            login: config.login_rate,
            app_login: config.app_login_rate,
            user: config.user_rate,
            avatar: config.avatar_rate,
            refresh: config.refresh_rate,
        }))
    }

    /// Counts; `None` if Redis is unavailable.
    pub(super) async fn count(&self, limit: Limit<'_>) -> Option<Result<(), LimitReached>> {
        let mut call = COUNT.prepare_invoke();
        let counters = self.counters(limit).into_iter().flatten();
        if counters.map(|(rate, name)| add(&mut call, rate, &name)).count() == 0 {
            return Some(Ok(()));
        }
        let wait = self.connection.run(&call).await?;
        Some(if wait == 0 { Ok(()) } else { Err(LimitReached(Duration::from_micros(wait))) })
    }

    /// The counters of a limit: rate and name of each.
    fn counters(&self, limit: Limit<'_>) -> [Option<(Rate, String)>; 2] {
        let one = |rate: Option<Rate>, name: String| [rate.map(|rate| (rate, name)), None];
        match limit {
            Limit::Login(networks) => by_network(self.login, "login", networks),
            Limit::AppLogin(app_id) => one(self.app_login, format!("app:{app_id}")),
            Limit::User(id) => one(self.user, format!("user:{}", id.0)),
            Limit::Avatar(id) => one(self.avatar, format!("avatar:{}", id.0)),
            Limit::Refresh(networks) => by_network(self.refresh, "refresh", networks),
        }
    }
}

/// The counters of a client, by its networks.
fn by_network(rate: Option<Rate>, name: &str, networks: ClientNetworks) -> [Option<(Rate, String)>; 2] {
    let Some(rate) = rate else { return [None, None] };
    let site = networks.site.map(|site| (site_rate(rate), format!("{name}:{site}")));
    [Some((rate, format!("{name}:{}", networks.network))), site]
}

/// The client, which does not connect yet.
fn client(url: &SecretString) -> Result<Client, RedisError> {
    // disables Nagle's algorithm: many calls share a connection, and none should wait for an acknowledgement
    let at_once = TcpSettings::default().set_nodelay(true);
    Client::open(url.expose_secret().into_connection_info()?.set_tcp_settings(at_once))
}

fn add(call: &mut ScriptInvocation<'_>, rate: Rate, name: &str) {
    let each = (rate.period / rate.count.get()).as_micros().max(1);
    let burst = each * u128::from(rate.count.get());
    call.key(format!("{PREFIX}:{name}")).arg(each.to_string()).arg(burst.to_string());
}

/// A call without effect that checks whether Redis counts: a full or read-only Redis answers a ping, but does not
/// count.
fn probe() -> ScriptInvocation<'static> {
    let mut call = COUNT.prepare_invoke();
    call.key(format!("{PREFIX}:probe")).arg(1).arg(1);
    call
}

#[cfg(test)]
mod tests;
