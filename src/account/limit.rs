//! How often a client may log in and refresh, so that nobody burns WeChat's quota with made-up codes. Counted where the
//! work is done and not where the request comes in: aliases, batches and REST count alike. Nodes that share a Redis
//! count together; where there is none, or it does not answer, each node counts its own.

mod line;
mod own;
mod shared;

use std::{fmt, net::IpAddr, time::Duration};

use entity::UserId;

use self::{own::Own, shared::Shared};
use super::network_of;
use crate::{
    config::Config,
    error::{ApiError, Code},
};

/// The limits of logins and refreshes.
pub struct Limits {
    own: Own,
    shared: Option<Shared>,
}

/// There is no room for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Full(Duration);

impl Limits {
    /// The limits of the settings. Where they name a Redis, a task keeps the line to it: this wants a runtime then.
    ///
    /// # Errors
    /// When the address of Redis cannot be used. Whether Redis answers is another matter, and nobody waits for it.
    pub fn new(config: &Config) -> Result<Self, redis::RedisError> {
        Ok(Self { own: Own::new(config), shared: Shared::new(config)? })
    }

    /// Counts a login, by the client's network, then by the mini program.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn login(&self, address: IpAddr, app_id: &str) -> Result<(), ApiError> {
        let network = network_of(address);
        let shared = match &self.shared {
            Some(shared) => shared.login(network, app_id).await,
            None => None,
        };
        Ok(shared.unwrap_or_else(|| self.own.login(network, app_id))?)
    }

    /// Counts a login, a refresh or a change of the profile of a user, once it is known whose it is.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn user(&self, id: UserId) -> Result<(), ApiError> {
        let shared = match &self.shared {
            Some(shared) => shared.user(id).await,
            None => None,
        };
        Ok(shared.unwrap_or_else(|| self.own.user(id))?)
    }

    /// Counts a refresh, by the client's network.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn refresh(&self, address: IpAddr) -> Result<(), ApiError> {
        let network = network_of(address);
        let shared = match &self.shared {
            Some(shared) => shared.refresh(network).await,
            None => None,
        };
        Ok(shared.unwrap_or_else(|| self.own.refresh(network))?)
    }

    /// Forgets the clients whose own count is back to nothing. Redis forgets by itself.
    pub fn tidy(&self) {
        self.own.tidy();
    }
}

impl From<Full> for ApiError {
    fn from(Full(wait): Full) -> Self {
        Self::new(Code::RateLimited).retry_after(wait)
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits(..)")
    }
}
