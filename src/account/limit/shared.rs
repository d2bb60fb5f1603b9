//! The count of all nodes together, in Redis. A step is one script and so one round trip; it decides as the own count
//! does, and what it refuses it does not count. Nothing but counts is ever there, and each goes when it is back to
//! nothing.

use std::{sync::LazyLock, time::Duration};

use entity::UserId;
use ipnet::IpNet;
use redis::{Client, IntoConnectionInfo, RedisError, Script, ScriptInvocation, io::tcp::TcpSettings};
use secrecy::{ExposeSecret, SecretString};

use super::{Full, line::Line};
use crate::config::{Config, Rate};

/// What all keys begin with. The braces keep the keys of one step together where Redis is a cluster behind a proxy.
const PREFIX: &str = "{miniaccount}:limit";

/// The step. See there.
static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("count.lua")));

/// The limits of all nodes.
pub(super) struct Shared {
    line: Line,
    login: Option<Rate>,
    app_login: Option<Rate>,
    user: Option<Rate>,
    refresh: Option<Rate>,
}

/// Each answer is `None` where Redis gave none.
impl Shared {
    /// `None` where the settings name no Redis.
    pub(super) fn new(config: &Config) -> Result<Option<Self>, RedisError> {
        let Some(url) = &config.redis_url else { return Ok(None) };
        Ok(Some(Self {
            line: Line::open(client(url)?, &COUNT, probe()),
            login: config.login_rate,
            app_login: config.app_login_rate,
            user: config.user_rate,
            refresh: config.refresh_rate,
        }))
    }

    pub(super) async fn login(&self, network: IpNet, app_id: &str) -> Option<Result<(), Full>> {
        self.count([(self.login, format!("login:{network}")), (self.app_login, format!("app:{app_id}"))]).await
    }

    pub(super) async fn user(&self, id: UserId) -> Option<Result<(), Full>> {
        self.count([(self.user, format!("user:{}", id.0))]).await
    }

    pub(super) async fn refresh(&self, network: IpNet) -> Option<Result<(), Full>> {
        self.count([(self.refresh, format!("refresh:{network}"))]).await
    }

    async fn count<const N: usize>(&self, counts: [(Option<Rate>, String); N]) -> Option<Result<(), Full>> {
        let mut step = COUNT.prepare_invoke();
        let limited = counts.into_iter().filter_map(|(rate, name)| Some((rate?, name)));
        let keys = limited.map(|(rate, name)| add(&mut step, rate, &name)).count();
        if keys == 0 {
            return Some(Ok(()));
        }
        let wait = self.line.ask(&step).await?;
        Some(if wait == 0 { Ok(()) } else { Err(Full(Duration::from_micros(wait))) })
    }
}

/// The client; nothing is sent yet.
fn client(url: &SecretString) -> Result<Client, RedisError> {
    // many steps share a connection, and none shall wait until the one before it is acknowledged
    let at_once = TcpSettings::default().set_nodelay(true);
    Client::open(url.expose_secret().into_connection_info()?.set_tcp_settings(at_once))
}

fn add(step: &mut ScriptInvocation<'_>, rate: Rate, name: &str) {
    let each = (rate.period / rate.count.get()).as_micros().max(1);
    let burst = each * u128::from(rate.count.get());
    step.key(format!("{PREFIX}:{name}")).arg(each.to_string()).arg(burst.to_string());
}

/// A step that means nothing, to see whether Redis counts at all: one that is full or only to be read from answers,
/// too, but does not.
fn probe() -> ScriptInvocation<'static> {
    let mut step = COUNT.prepare_invoke();
    step.key(format!("{PREFIX}:probe")).arg(1).arg(1);
    step
}

#[cfg(test)]
mod tests;
