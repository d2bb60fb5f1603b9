//! The queue of codes that wait for a call to WeChat. The number of concurrent calls is small, and each may take
//! seconds. Therefore one client network gets a share of them; its further logins wait for that share and delay no
//! other network.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ipnet::IpNet;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    account::network_of,
    error::{ApiError, Code},
};

/// Maximum number of codes in the queue. A code stays in it even if its client disconnects.
const CAPACITY: usize = 1024;

/// One network may use this fraction of the concurrent calls: `1 / SHARE`.
const SHARE: usize = 4;

/// The minimum number of concurrent calls of one network.
const MIN_PER_NETWORK: usize = 4;

/// The number of networks at which idle ones are removed.
const MAX_NETWORKS: usize = 1024;

/// The queue of all client networks.
#[derive(Debug)]
pub(super) struct ExchangeQueue {
    all: Arc<Semaphore>,
    per_network: usize,
    max_wait: Duration,
    by_network: Mutex<HashMap<IpNet, Arc<Semaphore>>>,
}

/// The permits of one code; dropping it releases them.
#[derive(Debug)]
pub(super) struct ExchangeSlot {
    _of_queue: OwnedSemaphorePermit,
    _per_network: OwnedSemaphorePermit,
}

impl ExchangeQueue {
    /// A queue for `calls` concurrent calls. A code that has waited for `max_wait` is refused.
    pub(super) fn new(calls: usize, max_wait: Duration) -> Self {
        let per_network = (calls / SHARE).max(MIN_PER_NETWORK).min(calls);
        Self { all: Arc::new(Semaphore::new(CAPACITY)), per_network, max_wait, by_network: Mutex::default() }
    }

    /// Waits for a slot of the client's network.
    ///
    /// # Errors
    /// `OVERLOADED` if none is free in time, or the queue is full.
    pub(super) async fn slot(&self, client: IpAddr) -> Result<ExchangeSlot, ApiError> {
        let overloaded = || ApiError::new(Code::Overloaded);
        let of_network = self.slots_of(network_of(client)).acquire_owned();
        let per_network =
            timeout(self.max_wait, of_network).await.map_err(|_| overloaded())?.map_err(ApiError::internal)?;
        let of_all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| overloaded())?;
        Ok(ExchangeSlot { _of_queue: of_all, _per_network: per_network })
    }

    fn slots_of(&self, network: IpNet) -> Arc<Semaphore> {
        // a panic while the lock is held leaves the map consistent
        let mut by_network = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if by_network.len() >= MAX_NETWORKS {
            // waiting codes and slots in use hold a reference, too
            by_network.retain(|_, slots| Arc::strong_count(slots) > 1);
        }
        Arc::clone(by_network.entry(network).or_insert_with(|| Arc::new(Semaphore::new(self.per_network))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from(n).into()
    }

    #[tokio::test]
    async fn one_network_waits_for_its_share_while_others_proceed() {
        let queue = ExchangeQueue::new(64, Duration::from_millis(50));
        let mut own = Vec::new();
        for _ in 0..16 {
            own.push(queue.slot(client(1)).await.unwrap());
        }
        assert_eq!(queue.slot(client(1)).await.unwrap_err().code, Code::Overloaded);
        assert!(queue.slot(client(2)).await.is_ok());
        let (waited, ()) = tokio::join!(queue.slot(client(1)), async { drop(own.pop()) });
        assert!(waited.is_ok());
    }

    #[tokio::test]
    async fn idle_networks_are_removed() {
        let queue = ExchangeQueue::new(64, Duration::from_millis(50));
        let busy = queue.slot(client(0)).await.unwrap();
        for n in 1..3000 {
            queue.slot(client(n)).await.unwrap();
        }
        let by_network = queue.by_network.lock().unwrap();
        assert!(by_network.len() <= MAX_NETWORKS && by_network.contains_key(&network_of(client(0))));
        drop(busy);
    }
}
