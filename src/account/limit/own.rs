//! The count of this node alone: for a server that is the only one, and for the time Redis does not answer.

use std::{hash::Hash, time::Duration};

use entity::UserId;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use ipnet::IpNet;

use super::Full;
use crate::config::{Config, Rate};

/// The limits of this process.
pub(super) struct Own {
    login: Option<DefaultKeyedRateLimiter<IpNet>>,
    app_login: Option<DefaultKeyedRateLimiter<String>>,
    user: Option<DefaultKeyedRateLimiter<UserId>>,
    refresh: Option<DefaultKeyedRateLimiter<IpNet>>,
}

impl Own {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            login: config.login_rate.map(limiter),
            app_login: config.app_login_rate.map(limiter),
            user: config.user_rate.map(limiter),
            refresh: config.refresh_rate.map(limiter),
        }
    }

    pub(super) fn login(&self, network: IpNet, app_id: &str) -> Result<(), Full> {
        count(self.login.as_ref(), &network)?;
        count(self.app_login.as_ref(), &app_id.to_owned())
    }

    pub(super) fn user(&self, id: UserId) -> Result<(), Full> {
        count(self.user.as_ref(), &id)
    }

    pub(super) fn refresh(&self, network: IpNet) -> Result<(), Full> {
        count(self.refresh.as_ref(), &network)
    }

    /// Forgets the clients whose count is back to nothing.
    pub(super) fn tidy(&self) {
        for limiter in [&self.login, &self.refresh].into_iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        if let Some(users) = &self.user {
            users.retain_recent();
            users.shrink_to_fit();
        }
    }
}

/// The quota a rate stands for: all of it at once, and one more each so often.
pub(super) fn quota(rate: Rate) -> Quota {
    let each = (rate.period / rate.count.get()).max(Duration::from_nanos(1));
    Quota::with_period(each).unwrap_or_else(|| Quota::per_second(rate.count)).allow_burst(rate.count)
}

fn limiter<K: Hash + Eq + Clone>(rate: Rate) -> DefaultKeyedRateLimiter<K> {
    RateLimiter::dashmap(quota(rate))
}

fn count<K: Hash + Eq + Clone>(limiter: Option<&DefaultKeyedRateLimiter<K>>, key: &K) -> Result<(), Full> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check_key(key).map_err(|full| Full(full.wait_time_from(DefaultClock::default().now())))
}
