//! Limits the rate of logins and refreshes by client network, user and mini program, so that invented codes do not use
//! up WeChat's quota. Counting happens where the work is done, not where the request arrives: aliases, batches and REST
//! calls count alike. Nodes that share a Redis count together; without Redis, or while it is unavailable, each node
//! counts by itself.

mod client_networks;
mod local_limiter;
mod redis_connection;
mod redis_limiter;

use std::{fmt, net::IpAddr, time::Duration};

use entity::UserId;

use crate::{
    config::Config,
    error::{ApiError, Code},
};
use client_networks::ClientNetworks;
use local_limiter::LocalLimiter;
use redis_limiter::RedisLimiter;

/// The rate limits.
pub struct RateLimits {
    local: LocalLimiter,
    redis: Option<RedisLimiter>,
}

/// A limit, and what it counts.
#[derive(Clone, Copy)]
enum Limit<'a> {
    Login(ClientNetworks),
    AppLogin(&'a str),
    User(UserId),
    Avatar(UserId),
    Refresh(ClientNetworks),
}

/// The limit is reached; the request may be repeated after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LimitReached(Duration);

impl RateLimits {
    /// The limits of the settings. If a Redis is configured, a background task holds the connection to it, which
    /// requires a Tokio runtime.
    ///
    /// # Errors
    /// When the URL of Redis is invalid. An unavailable Redis is no error.
    pub fn new(config: &Config) -> Result<Self, redis::RedisError> {
        Ok(Self { local: LocalLimiter::new(config), redis: RedisLimiter::new(config)? })
    }

    /// Counts a login of a client, by its networks.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn login(&self, address: IpAddr) -> Result<(), ApiError> {
        self.count(Limit::Login(ClientNetworks::of(address))).await
    }

    /// Counts a call to WeChat for a login code, by mini program.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn app_login(&self, app_id: &str) -> Result<(), ApiError> {
        self.count(Limit::AppLogin(app_id)).await
    }

    /// Counts a login, a refresh or a profile change of a user, once the user is known.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn user(&self, id: UserId) -> Result<(), ApiError> {
        self.count(Limit::User(id)).await
    }

    /// Counts an upload of a user.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn avatar(&self, id: UserId) -> Result<(), ApiError> {
        self.count(Limit::Avatar(id)).await
    }

    /// Counts a refresh of a client, by its networks.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn refresh(&self, address: IpAddr) -> Result<(), ApiError> {
        self.count(Limit::Refresh(ClientNetworks::of(address))).await
    }

    async fn count(&self, limit: Limit<'_>) -> Result<(), ApiError> {
        let counted = match &self.redis {
            Some(redis) => redis.count(limit).await,
            None => None,
        };
        Ok(counted.unwrap_or_else(|| self.local.count(limit))?)
    }

    /// Removes the local counters that are back to zero. Those in Redis expire.
    pub fn purge(&self) {
        self.local.purge();
    }
}

impl From<LimitReached> for ApiError {
    fn from(LimitReached(wait): LimitReached) -> Self {
        Self::new(Code::RateLimited).retry_after(wait)
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimits(..)")
    }
}
