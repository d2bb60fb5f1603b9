//! Limits how many logins and refreshes one address, one user and one mini program may make, so that invented codes do
//! not use up WeChat's quota. Counted where the work is done and not where the request comes in: aliases, batches and
//! REST count alike. Nodes that share a Redis count together; without one, or while it does not answer, each node counts
//! by itself.

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

/// The limits of logins and refreshes.
pub struct RateLimits {
    local: LocalLimiter,
    redis: Option<RedisLimiter>,
}

/// The limit is reached for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LimitReached(Duration);

impl RateLimits {
    /// The limits of the settings. Where they name a Redis, a task keeps the connection to it, which needs a runtime.
    ///
    /// # Errors
    /// When the address of Redis cannot be used. Whether Redis answers is not waited for.
    pub fn new(config: &Config) -> Result<Self, redis::RedisError> {
        Ok(Self { local: LocalLimiter::new(config), redis: RedisLimiter::new(config)? })
    }

    /// Counts a login, by the client's networks.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn login(&self, address: IpAddr) -> Result<(), ApiError> {
        let networks = ClientNetworks::of(address);
        let counted = match &self.redis {
            Some(redis) => redis.login(networks).await,
            None => None,
        };
        Ok(counted.unwrap_or_else(|| self.local.login(networks))?)
    }

    /// Counts a code that is about to be sent to WeChat, by the mini program.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn app_login(&self, app_id: &str) -> Result<(), ApiError> {
        let counted = match &self.redis {
            Some(redis) => redis.app_login(app_id).await,
            None => None,
        };
        Ok(counted.unwrap_or_else(|| self.local.app_login(app_id))?)
    }

    /// Counts a login, a refresh or a change of the profile of a user, once it is known whose it is.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn user(&self, id: UserId) -> Result<(), ApiError> {
        let counted = match &self.redis {
            Some(redis) => redis.user(id).await,
            None => None,
        };
        Ok(counted.unwrap_or_else(|| self.local.user(id))?)
    }

    /// Counts a picture that a user uploads.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn avatar(&self, id: UserId) -> Result<(), ApiError> {
        let counted = match &self.redis {
            Some(redis) => redis.avatar(id).await,
            None => None,
        };
        Ok(counted.unwrap_or_else(|| self.local.avatar(id))?)
    }

    /// Counts a refresh, by the client's networks.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn refresh(&self, address: IpAddr) -> Result<(), ApiError> {
        let networks = ClientNetworks::of(address);
        let counted = match &self.redis {
            Some(redis) => redis.refresh(networks).await,
            None => None,
        };
        Ok(counted.unwrap_or_else(|| self.local.refresh(networks))?)
    }

    /// Removes the local counts that are back to nothing. In Redis they expire.
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
