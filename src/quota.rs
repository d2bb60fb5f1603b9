//! Quotas of the resources that clients can make the server hold, in total and for each client network, so that one
//! network cannot exhaust the total.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use ipnet::IpNet;

/// A quota of one resource, counted by client network. Clones share it.
#[derive(Clone, Debug)]
pub struct ClientQuota(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The maximum in total.
    max_total: usize,
    /// The maximum for one network.
    max_per_client: usize,
    /// The amount in use, readable without the lock.
    held: AtomicUsize,
    clients: Mutex<Clients>,
}

/// The amount in use by each network. An idle network keeps its entry for a while, because adding and removing it with
/// each request cost 2 % of a short one.
#[derive(Debug)]
struct Clients {
    held: HashMap<IpNet, usize>,
    /// The number of entries at which idle ones are removed.
    sweep_at: usize,
}

/// Idle entries are not removed below this number of entries.
const MIN_SWEEP: usize = 1024;

impl Clients {
    /// The amount in use by a network.
    fn of(&mut self, client: IpNet) -> &mut usize {
        if self.held.len() >= self.sweep_at {
            self.held.retain(|_, held| *held > 0);
            self.sweep_at = (self.held.len() * 2).max(MIN_SWEEP);
        }
        self.held.entry(client).or_default()
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self { held: HashMap::new(), sweep_at: MIN_SWEEP }
    }
}

/// An acquired amount of a quota; dropping it releases the amount.
#[derive(Debug)]
pub struct QuotaPermit {
    quota: ClientQuota,
    client: IpNet,
    amount: usize,
}

impl ClientQuota {
    /// A quota of `max_total` in total and `max_per_client` for each network.
    #[must_use]
    pub fn new(max_total: usize, max_per_client: usize) -> Self {
        Self(Arc::new(Inner { max_total, max_per_client, held: AtomicUsize::new(0), clients: Mutex::default() }))
    }

    /// A quota of `max_total`, of which one network may use the fraction `1 / divisor`, but at least
    /// four: an office may share one address.
    #[must_use]
    pub fn with_client_fraction(max_total: usize, divisor: usize) -> Self {
        Self::new(max_total, (max_total / divisor).max(MIN_PER_CLIENT).min(max_total))
    }

    /// Acquires an amount for a client; `None` if that exceeds the quota.
    #[must_use]
    pub fn try_acquire(&self, client: IpNet, amount: usize) -> Option<QuotaPermit> {
        let mut clients = self.clients();
        let held = self.held();
        if held.saturating_add(amount) > self.0.max_total {
            return None;
        }
        let own = clients.of(client);
        if own.saturating_add(amount) > self.0.max_per_client {
            return None;
        }
        *own += amount;
        self.0.held.store(held + amount, Ordering::Relaxed);
        Some(QuotaPermit { quota: self.clone(), client, amount })
    }

    /// Whether a client could acquire an amount now.
    #[must_use]
    pub fn has_capacity_for(&self, client: IpNet, amount: usize) -> bool {
        let held = self.held().saturating_add(amount);
        // the total is an upper bound of each client's own amount
        held <= self.0.max_total.min(self.0.max_per_client) || held <= self.0.max_total && self.fits(client, amount)
    }

    fn fits(&self, client: IpNet, amount: usize) -> bool {
        let own = self.clients().held.get(&client).copied().unwrap_or_default();
        own.saturating_add(amount) <= self.0.max_per_client
    }

    fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        // a panic under the lock leaves the counts consistent
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The minimum share of one network, if the total is not smaller.
const MIN_PER_CLIENT: usize = 4;

impl Drop for QuotaPermit {
    fn drop(&mut self) {
        let mut clients = self.quota.clients();
        self.quota.0.held.fetch_sub(self.amount, Ordering::Relaxed);
        if let Some(own) = clients.held.get_mut(&self.client) {
            *own -= self.amount;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u8) -> IpNet {
        format!("192.0.2.{n}/32").parse().unwrap()
    }

    #[test]
    fn one_client_is_limited_below_the_total() {
        let quota = ClientQuota::new(100, 40);
        let first = quota.try_acquire(client(1), 40).unwrap();
        assert!(!quota.has_capacity_for(client(1), 1) && quota.has_capacity_for(client(2), 40));
        assert!(!quota.has_capacity_for(client(2), 41));
        assert!(quota.try_acquire(client(1), 1).is_none());
        let others = [quota.try_acquire(client(2), 40).unwrap(), quota.try_acquire(client(3), 20).unwrap()];
        assert!(quota.try_acquire(client(4), 1).is_none(), "all hold what there is");
        assert!(!quota.has_capacity_for(client(4), 1));
        drop(first);
        assert!(quota.try_acquire(client(1), 41).is_none());
        assert!(quota.try_acquire(client(4), 40).is_some());
        drop(others);
        assert_eq!((quota.held(), quota.clients().held.values().sum::<usize>()), (0, 0));
    }

    #[test]
    fn clients_that_hold_nothing_are_removed() {
        let quota = ClientQuota::new(usize::MAX, 1);
        let networks: Vec<IpNet> = (0..MIN_SWEEP * 4)
            .map(|n| IpNet::from(std::net::IpAddr::from(u32::try_from(n).unwrap().to_be_bytes())))
            .collect();
        let kept: Vec<_> = networks[..MIN_SWEEP].iter().map(|client| quota.try_acquire(*client, 1).unwrap()).collect();
        networks[MIN_SWEEP..].iter().for_each(|client| drop(quota.try_acquire(*client, 1).unwrap()));
        assert!(quota.clients().held.len() <= MIN_SWEEP * 2);
        assert!(networks[..MIN_SWEEP].iter().all(|client| !quota.has_capacity_for(*client, 1)));
        drop(kept);
    }

    #[test]
    fn small_quota_grants_each_client_the_minimum() {
        for (max_total, per_client) in [(0, 0), (2, 2), (4, 4), (8, 4), (512, 256)] {
            assert_eq!(ClientQuota::with_client_fraction(max_total, 2).0.max_per_client, per_client, "{max_total}");
        }
    }

    #[test]
    fn concurrent_permits_are_counted_right() {
        let quota = ClientQuota::new(1000, 1000);
        std::thread::scope(|scope| {
            for n in 0..4 {
                let quota = quota.clone();
                scope.spawn(move || (0..1000).for_each(|_| drop(quota.try_acquire(client(n), 3))));
            }
        });
        assert_eq!((quota.held(), quota.clients().held.values().sum::<usize>()), (0, 0));
    }
}
