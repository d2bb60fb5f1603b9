//! Counts in the memory of this node: for a single server, and while Redis is unavailable.

use std::{hash::Hash, time::Duration};

use entity::UserId;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use ipnet::IpNet;

use super::{
    Limit, LimitReached,
    client_networks::{ClientNetworks, site_rate},
};
use crate::config::{Config, Rate};

/// The limits, counted in this process.
pub(super) struct LocalLimiter {
    login: Option<ByNetwork>,
    app_login: Option<DefaultKeyedRateLimiter<String>>,
    user: Option<DefaultKeyedRateLimiter<UserId>>,
    avatar: Option<DefaultKeyedRateLimiter<UserId>>,
    refresh: Option<ByNetwork>,
}

/// Limits clients by their networks.
struct ByNetwork {
    networks: DefaultKeyedRateLimiter<IpNet>,
    sites: DefaultKeyedRateLimiter<IpNet>,
}

impl LocalLimiter {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            login: config.login_rate.map(ByNetwork::new),
            app_login: config.app_login_rate.map(limiter),
            user: config.user_rate.map(limiter),
            avatar: config.avatar_rate.map(limiter),
            refresh: config.refresh_rate.map(ByNetwork::new),
        }
    }

    pub(super) fn count(&self, limit: Limit<'_>) -> Result<(), LimitReached> {
        match limit {
            Limit::Login(networks) => self.login.as_ref().map_or(Ok(()), |limit| limit.count(networks)),
            Limit::AppLogin(app_id) => count(self.app_login.as_ref(), &app_id.to_owned()),
            Limit::User(id) => count(self.user.as_ref(), &id),
            Limit::Avatar(id) => count(self.avatar.as_ref(), &id),
            Limit::Refresh(networks) => self.refresh.as_ref().map_or(Ok(()), |limit| limit.count(networks)),
        }
    }

    /// Removes the counters that are back to zero.
    pub(super) fn purge(&self) {
        for limit in [&self.login, &self.refresh].into_iter().flatten() {
            for limiter in [&limit.networks, &limit.sites] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
        for users in [&self.user, &self.avatar].into_iter().flatten() {
            users.retain_recent();
            users.shrink_to_fit();
        }
    }
}

impl ByNetwork {
    fn new(rate: Rate) -> Self {
        Self { networks: limiter(rate), sites: limiter(site_rate(rate)) }
    }

    fn count(&self, networks: ClientNetworks) -> Result<(), LimitReached> {
        count(Some(&self.networks), &networks.network)?;
        networks.site.map_or(Ok(()), |site| count(Some(&self.sites), &site))
    }
}

/// A rate as a GCRA quota: the whole count as a burst, and one more after each interval.
pub(super) fn quota(rate: Rate) -> Quota {
    let each = (rate.period / rate.count.get()).max(Duration::from_nanos(1));
    Quota::with_period(each).unwrap_or_else(|| Quota::per_second(rate.count)).allow_burst(rate.count)
}

fn limiter<K: Hash + Eq + Clone>(rate: Rate) -> DefaultKeyedRateLimiter<K> {
    RateLimiter::dashmap(quota(rate))
}

fn count<K: Hash + Eq + Clone>(limiter: Option<&DefaultKeyedRateLimiter<K>>, key: &K) -> Result<(), LimitReached> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check_key(key).map_err(|full| LimitReached(full.wait_time_from(DefaultClock::default().now())))
}
