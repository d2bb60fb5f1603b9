//! Limits the connections that wait for `connection_init`, in total and for each client. A new connection beyond a limit
//! evicts the oldest one, so that clients that open connections and send nothing cannot keep others out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;
use tokio::sync::oneshot;

/// The highest limit in total. If `connection_init` takes 0.1 s, 10,000 clients can connect per second.
const MAX_TOTAL: usize = 1024;

/// The highest limit for one client, which may be an office whose connections all broke at the same time.
const MAX_PER_CLIENT: usize = 64;

/// The connections that wait for `connection_init`. Clones share their state.
#[derive(Clone, Debug)]
pub(in crate::http) struct Uninitialised(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max_total: usize,
    max_per_client: usize,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    last_number: u64,
    /// The client of each slot and the sender that evicts it. The number orders them by age.
    by_number: BTreeMap<u64, (IpNet, oneshot::Sender<()>)>,
    by_client: HashMap<IpNet, BTreeSet<u64>>,
}

/// The slot of one connection, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct InitSlot {
    connections: Uninitialised,
    number: u64,
    evicted: oneshot::Receiver<()>,
}

impl Uninitialised {
    /// Limits that are a fraction of the limit of subscriptions.
    pub(in crate::http) fn for_subscriptions(subscriptions: usize) -> Self {
        Self::new((subscriptions / 8).clamp(4, MAX_TOTAL), (subscriptions / 16).clamp(2, MAX_PER_CLIENT))
    }

    fn new(max_total: usize, max_per_client: usize) -> Self {
        Self(Arc::new(Inner { max_total, max_per_client, slots: Mutex::default() }))
    }

    /// A slot for a new connection of a client. Beyond the limits it evicts the client's oldest connection, or the oldest
    /// of all.
    pub(in crate::http) fn admit(&self, client: IpNet) -> InitSlot {
        let (sender, evicted) = oneshot::channel();
        let mut slots = self.slots();
        if let Some(own) = slots.by_client.get(&client).filter(|own| own.len() >= self.0.max_per_client)
            && let Some(&oldest) = own.first()
        {
            slots.evict(oldest);
        }
        if slots.by_number.len() >= self.0.max_total
            && let Some((&oldest, _)) = slots.by_number.first_key_value()
        {
            slots.evict(oldest);
        }
        slots.last_number += 1;
        let number = slots.last_number;
        slots.by_number.insert(number, (client, sender));
        slots.by_client.entry(client).or_default().insert(number);
        InitSlot { connections: self.clone(), number, evicted }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        // a panic under the lock leaves the slots consistent
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn evict(&mut self, number: u64) {
        if let Some(sender) = self.remove(number) {
            // fails if the connection ends by itself
            let _ = sender.send(());
        }
    }

    fn remove(&mut self, number: u64) -> Option<oneshot::Sender<()>> {
        let (client, sender) = self.by_number.remove(&number)?;
        if let Some(own) = self.by_client.get_mut(&client) {
            own.remove(&number);
            if own.is_empty() {
                self.by_client.remove(&client);
            }
        }
        Some(sender)
    }
}

impl InitSlot {
    /// Waits until the connection is evicted.
    pub(super) async fn evicted(&mut self) {
        // fails only if the sender is dropped, and `connections` holds it as long as this slot lives
        let _ = (&mut self.evicted).await;
    }
}

impl Drop for InitSlot {
    fn drop(&mut self) {
        self.connections.slots().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn client(n: u8) -> IpNet {
        format!("192.0.2.{n}/32").parse().unwrap()
    }

    /// The indices of the evicted slots.
    fn evicted(slots: &mut [InitSlot]) -> Vec<usize> {
        let slots = slots.iter_mut().enumerate();
        slots.filter_map(|(n, slot)| slot.evicted().now_or_never().map(|()| n)).collect()
    }

    #[test]
    fn client_beyond_its_limit_evicts_its_own_oldest_connection() {
        let connections = Uninitialised::new(10, 3);
        let mut other = [connections.admit(client(2))];
        let mut own: Vec<_> = (0..5).map(|_| connections.admit(client(1))).collect();
        assert_eq!(evicted(&mut own), [0, 1]);
        drop(own);
        let mut own: Vec<_> = (0..3).map(|_| connections.admit(client(1))).collect();
        assert!(evicted(&mut own).is_empty() && evicted(&mut other).is_empty());
    }

    #[test]
    fn connection_beyond_the_total_evicts_the_oldest_of_all() {
        let connections = Uninitialised::new(3, 3);
        let mut slots: Vec<_> = (0..5).map(|n| connections.admit(client(n))).collect();
        assert_eq!(evicted(&mut slots), [0, 1]);
        drop(slots);
        assert!(connections.slots().by_number.is_empty() && connections.slots().by_client.is_empty());
    }
}
