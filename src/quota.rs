//! Quotas of what clients can make the server hold, in total and for each network, so that one network cannot use up what
//! there is.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use ipnet::IpNet;

/// A quota of one resource, counted by network. Clones share it.
#[derive(Clone, Debug)]
pub struct ClientQuota(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The most that all hold together.
    most: usize,
    /// The most that one network holds.
    most_of_one: usize,
    /// What all hold, for a look without the lock.
    held: AtomicUsize,
    clients: Mutex<Clients>,
}

/// What each network holds. One that holds nothing stays for a while, because adding and removing it with each request
/// took 2 % of a short one.
#[derive(Debug)]
struct Clients {
    held: HashMap<IpNet, usize>,
    /// How many entries there may be before those that hold nothing are removed.
    sweep_at: usize,
}

/// Entries that are not worth a sweep.
const FEW: usize = 1024;

impl Clients {
    /// The count of a network.
    fn of(&mut self, client: IpNet) -> &mut usize {
        if self.held.len() >= self.sweep_at {
            self.held.retain(|_, held| *held > 0);
            self.sweep_at = (self.held.len() * 2).max(FEW);
        }
        self.held.entry(client).or_default()
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self { held: HashMap::new(), sweep_at: FEW }
    }
}

/// The part of a quota that one client holds; dropping it gives the part back.
#[derive(Debug)]
pub struct QuotaPermit {
    quota: ClientQuota,
    client: IpNet,
    amount: usize,
}

impl ClientQuota {
    /// A quota of `most` in total and `most_of_one` for each network.
    #[must_use]
    pub fn new(most: usize, most_of_one: usize) -> Self {
        Self(Arc::new(Inner { most, most_of_one, held: AtomicUsize::new(0), clients: Mutex::default() }))
    }

    /// A quota of `most`, of which one network has at most the part that `divisor` gives, and always a few: an office may
    /// be behind one address.
    #[must_use]
    pub fn with_client_fraction(most: usize, divisor: usize) -> Self {
        Self::new(most, (most / divisor).max(LEAST).min(most))
    }

    /// Takes an amount for a client; `None` where that would exceed the quota.
    #[must_use]
    pub fn take(&self, client: IpNet, amount: usize) -> Option<QuotaPermit> {
        let mut clients = self.clients();
        let held = self.held();
        if held.saturating_add(amount) > self.0.most {
            return None;
        }
        let own = clients.of(client);
        if own.saturating_add(amount) > self.0.most_of_one {
            return None;
        }
        *own += amount;
        self.0.held.store(held + amount, Ordering::Relaxed);
        Some(QuotaPermit { quota: self.clone(), client, amount })
    }

    /// Whether a client could take an amount now.
    #[must_use]
    pub fn has_capacity_for(&self, client: IpNet, amount: usize) -> bool {
        let held = self.held().saturating_add(amount);
        // nobody holds more than all do
        held <= self.0.most.min(self.0.most_of_one) || held <= self.0.most && self.fits(client, amount)
    }

    fn fits(&self, client: IpNet, amount: usize) -> bool {
        let own = self.clients().held.get(&client).copied().unwrap_or_default();
        own.saturating_add(amount) <= self.0.most_of_one
    }

    fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        // a panic under the lock leaves the counts consistent
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The least that one network may hold, where that much is there.
const LEAST: usize = 4;

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
        let first = quota.take(client(1), 40).unwrap();
        assert!(!quota.has_capacity_for(client(1), 1) && quota.has_capacity_for(client(2), 40));
        assert!(!quota.has_capacity_for(client(2), 41));
        assert!(quota.take(client(1), 1).is_none());
        let others = [quota.take(client(2), 40).unwrap(), quota.take(client(3), 20).unwrap()];
        assert!(quota.take(client(4), 1).is_none(), "all hold what there is");
        assert!(!quota.has_capacity_for(client(4), 1));
        drop(first);
        assert!(quota.take(client(1), 41).is_none());
        assert!(quota.take(client(4), 40).is_some());
        drop(others);
        assert_eq!((quota.held(), quota.clients().held.values().sum::<usize>()), (0, 0));
    }

    #[test]
    fn clients_that_hold_nothing_are_removed() {
        let quota = ClientQuota::new(usize::MAX, 1);
        let networks: Vec<IpNet> = (0..FEW * 4)
            .map(|n| IpNet::from(std::net::IpAddr::from(u32::try_from(n).unwrap().to_be_bytes())))
            .collect();
        let kept: Vec<_> = networks[..FEW].iter().map(|client| quota.take(*client, 1).unwrap()).collect();
        networks[FEW..].iter().for_each(|client| drop(quota.take(*client, 1).unwrap()));
        assert!(quota.clients().held.len() <= FEW * 2);
        assert!(networks[..FEW].iter().all(|client| !quota.has_capacity_for(*client, 1)));
        drop(kept);
    }

    #[test]
    fn small_quota_leaves_each_client_a_few() {
        for (most, of_one) in [(0, 0), (2, 2), (4, 4), (8, 4), (512, 256)] {
            assert_eq!(ClientQuota::with_client_fraction(most, 2).0.most_of_one, of_one, "{most}");
        }
    }

    #[test]
    fn concurrent_permits_are_counted_right() {
        let quota = ClientQuota::new(1000, 1000);
        std::thread::scope(|scope| {
            for n in 0..4 {
                let quota = quota.clone();
                scope.spawn(move || (0..1000).for_each(|_| drop(quota.take(client(n), 3))));
            }
        });
        assert_eq!((quota.held(), quota.clients().held.values().sum::<usize>()), (0, 0));
    }
}
