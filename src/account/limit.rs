//! How often a client may log in and refresh, so that nobody burns WeChat's quota with made-up codes. Counted where the
//! work is done and not where the request comes in: aliases, batches and REST count alike.

use std::{fmt, hash::Hash, net::IpAddr, time::Duration};

use entity::UserId;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use ipnet::IpNet;

use super::network_of;
use crate::{
    config::{Config, Rate},
    error::{ApiError, Code},
};

/// The limits of this process.
pub struct Limits {
    login: Option<DefaultKeyedRateLimiter<IpNet>>,
    app_login: Option<DefaultKeyedRateLimiter<String>>,
    user: Option<DefaultKeyedRateLimiter<UserId>>,
    refresh: Option<DefaultKeyedRateLimiter<IpNet>>,
}

impl Limits {
    /// The limits of the settings.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            login: config.login_rate.map(limiter),
            app_login: config.app_login_rate.map(limiter),
            user: config.user_rate.map(limiter),
            refresh: config.refresh_rate.map(limiter),
        }
    }

    /// Counts a login, by the client's network, then by the mini program.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub fn login(&self, address: IpAddr, app_id: &str) -> Result<(), ApiError> {
        count(self.login.as_ref(), &network_of(address))?;
        count(self.app_login.as_ref(), &app_id.to_owned())
    }

    /// Counts a login, a refresh or a change of the profile of a user, once it is known whose it is.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub fn user(&self, id: UserId) -> Result<(), ApiError> {
        count(self.user.as_ref(), &id)
    }

    /// Counts a refresh, by the client's network.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub fn refresh(&self, address: IpAddr) -> Result<(), ApiError> {
        count(self.refresh.as_ref(), &network_of(address))
    }

    /// Forgets the clients whose count is back to nothing.
    pub fn tidy(&self) {
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

fn limiter<K: Hash + Eq + Clone>(rate: Rate) -> DefaultKeyedRateLimiter<K> {
    let each = (rate.period / rate.count.get()).max(Duration::from_nanos(1));
    let quota = Quota::with_period(each).unwrap_or_else(|| Quota::per_second(rate.count));
    RateLimiter::dashmap(quota.allow_burst(rate.count))
}

fn count<K: Hash + Eq + Clone>(limiter: Option<&DefaultKeyedRateLimiter<K>>, key: &K) -> Result<(), ApiError> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check_key(key).map_err(|full| {
        let wait = full.wait_time_from(DefaultClock::default().now());
        ApiError::new(Code::RateLimited).retry_after(wait)
    })
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits(..)")
    }
}
