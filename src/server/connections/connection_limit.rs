//! Limits the number of connections by the number of files that the process may open, in total and for each peer.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    account::network_of,
    quota::{ClientQuota, QuotaPermit},
};

/// Connections in addition to those of subscribers. Further ones wait in the operating system's accept queue. An idle
/// connection takes a few kilobytes.
const CONNECTIONS: u64 = 10_000;

/// Files reserved for the database, WeChat and the log.
const RESERVED_FILES: u64 = 256;

/// The limit of open files if the operating system does not report one.
const DEFAULT_FILES: u64 = 1024;

/// One peer may have the limit divided by this: half, because a peer may be a proxy, or a NAT with thousands of clients.
const PEER_DIVISOR: usize = 2;

/// The limit of connections.
#[derive(Debug)]
pub(in crate::server) struct ConnectionLimit {
    slots: Arc<Semaphore>,
    peer_quota: ClientQuota,
    connections: usize,
    /// Trusted proxies: the limit for each peer does not apply to them.
    proxies: Vec<IpNet>,
    near_limit: watch::Sender<bool>,
}

/// Counts one connection until it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    _slot: OwnedSemaphorePermit,
    _peer: Option<QuotaPermit>,
}

impl ConnectionLimit {
    /// Raises the limit of open files as far as the operating system allows, and derives the limit of connections from
    /// it. Also returns the number of subscribers, which is at most half of the connections.
    pub(in crate::server) fn for_subscribers(subscribers: u32, proxies: &[IpNet]) -> (Self, u32) {
        let wanted = CONNECTIONS + u64::from(subscribers);
        let files = rlimit::increase_nofile_limit(wanted + RESERVED_FILES).unwrap_or(DEFAULT_FILES);
        let connections = connections_for(files, wanted);
        let subscribers = u32::try_from(connections / 2).unwrap_or(u32::MAX).min(subscribers);
        if connections < wanted {
            let text = "the limit of open files allows fewer connections";
            tracing::warn!(connections, subscribers, files, "{text}");
        }
        (Self::new(usize::try_from(connections).unwrap_or(usize::MAX), proxies), subscribers)
    }

    /// A limit of `connections`.
    pub(super) fn new(connections: usize, proxies: &[IpNet]) -> Self {
        let connections = connections.min(Semaphore::MAX_PERMITS);
        Self {
            slots: Arc::new(Semaphore::new(connections)),
            peer_quota: ClientQuota::with_client_fraction(connections, PEER_DIVISOR),
            connections,
            proxies: proxies.to_vec(),
            near_limit: watch::Sender::new(false),
        }
    }

    /// Waits for a free slot. Above three quarters of the limit, idle connections time out sooner.
    pub(super) async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        let is_near_limit = self.slots.available_permits() < self.connections / 4;
        self.near_limit.send_if_modified(|before| std::mem::replace(before, is_near_limit) != is_near_limit);
        slot
    }

    /// The permit for a peer's connection; `None` if the peer has too many.
    pub(super) fn for_peer(&self, peer: IpAddr, slot: OwnedSemaphorePermit) -> Option<ConnectionPermit> {
        let peer = peer.to_canonical();
        let peer_permit = if self.proxies.iter().any(|network| network.contains(&peer)) {
            None
        } else {
            Some(self.peer_quota.try_acquire(network_of(peer), 1)?)
        };
        Some(ConnectionPermit { _slot: slot, _peer: peer_permit })
    }

    /// Whether more than three quarters of the slots are in use, and its changes.
    pub(super) fn near_limit(&self) -> watch::Receiver<bool> {
        self.near_limit.subscribe()
    }
}

/// The connections that a limit of open files allows: all but the reserved files, and at least half.
fn connections_for(files: u64, wanted: u64) -> u64 {
    files.saturating_sub(RESERVED_FILES).max(files / 2).clamp(1, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_other_uses() {
        for (files, connections) in [(0, 1), (64, 32), (1024, 768), (4096, 3840), (u64::MAX, CONNECTIONS)] {
            assert_eq!(connections_for(files, CONNECTIONS), connections, "{files}");
        }
    }

    #[tokio::test]
    async fn peer_limit_applies_to_peers_that_are_not_proxies() {
        let limit = ConnectionLimit::new(20, &["192.0.2.0/24".parse().unwrap()]);
        let take = async |peer: &str| limit.for_peer(peer.parse().unwrap(), limit.acquire().await.unwrap());
        let mut permits = Vec::new();
        for _ in 0..10 {
            permits.push(take("203.0.113.1").await.unwrap());
        }
        assert!(take("203.0.113.1").await.is_none() && take("::ffff:203.0.113.1").await.is_none());
        assert!(!*limit.near_limit().borrow());
        for _ in 0..9 {
            permits.push(take("::ffff:192.0.2.7").await.unwrap());
        }
        assert!(take("203.0.113.2").await.is_some());
        assert!(*limit.near_limit().borrow());
        drop(permits);
        assert!(take("203.0.113.1").await.is_some());
        assert!(!*limit.near_limit().borrow());
    }
}
