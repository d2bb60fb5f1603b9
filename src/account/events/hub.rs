//! The subscribers of this node by user, and the delivery of notifications to them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::UserId;
use tokio::sync::{Notify, broadcast};

use super::rows::Rows;
use crate::{
    error::{ApiError, Code},
    store::Change,
};

/// Maximum number of undelivered notifications of a subscriber. One that exceeds it is disconnected.
const CAPACITY: usize = 64;

/// One notification to the subscribers of a user.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    pub(super) kind: EventKind,
    /// The rows it refers to, read once for all subscribers.
    pub(super) rows: Arc<Rows>,
}

/// The content of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    /// A change from the feed.
    Change(Change),
    /// The feed had a gap: subscribers must read the current rows from the database.
    Gap,
}

/// The subscribers of all users.
#[derive(Debug)]
pub(in crate::account) struct Events {
    by_user: Mutex<HashMap<UserId, Subscribers>>,
    connections_per_user: u32,
    /// Wakes the reader of the feed, which pauses while there are no subscribers.
    subscribed: Notify,
}

/// The subscribers of one user.
#[derive(Debug)]
struct Subscribers {
    sender: broadcast::Sender<Notification>,
    subscriptions: u32,
    /// The number of subscriptions that belong to connections.
    connections: u32,
}

/// One subscription, until it is dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    events: Arc<Events>,
    user: UserId,
    is_connection: bool,
    receiver: broadcast::Receiver<Notification>,
}

impl Events {
    /// A hub without subscribers; one user may have `connections_per_user` connections.
    pub(in crate::account) fn new(connections_per_user: u32) -> Arc<Self> {
        Arc::new(Self { by_user: Mutex::default(), connections_per_user, subscribed: Notify::new() })
    }

    /// Subscribes to the changes of a user's account.
    pub(super) fn subscribe(self: &Arc<Self>, user: UserId) -> Subscription {
        self.add(user, false, &mut self.lock())
    }

    /// Subscribes on behalf of a connection.
    ///
    /// # Errors
    /// `OVERLOADED` if the user has too many connections.
    pub(super) fn subscribe_connection(self: &Arc<Self>, user: UserId) -> Result<Subscription, ApiError> {
        let mut by_user = self.lock();
        if by_user.get(&user).is_some_and(|subscribers| subscribers.connections >= self.connections_per_user) {
            return Err(ApiError::new(Code::Overloaded).detail("The user has too many connections."));
        }
        Ok(self.add(user, true, &mut by_user))
    }

    fn add(
        self: &Arc<Self>,
        user: UserId,
        is_connection: bool,
        by_user: &mut HashMap<UserId, Subscribers>,
    ) -> Subscription {
        let empty = || Subscribers { sender: broadcast::Sender::new(CAPACITY), subscriptions: 0, connections: 0 };
        let subscribers = by_user.entry(user).or_insert_with(empty);
        subscribers.subscriptions += 1;
        subscribers.connections += u32::from(is_connection);
        self.subscribed.notify_one();
        Subscription { events: Arc::clone(self), user, is_connection, receiver: subscribers.sender.subscribe() }
    }

    /// Notifies the subscribers of a user about a change.
    pub(in crate::account) fn publish(&self, user: UserId, change: Change) {
        if let Some(subscribers) = self.lock().get(&user) {
            subscribers.send(EventKind::Change(change));
        }
    }

    /// Notifies all subscribers about a gap in the feed.
    pub(in crate::account) fn publish_gap(&self) {
        for subscribers in self.lock().values() {
            subscribers.send(EventKind::Gap);
        }
    }

    /// Waits until there is a subscriber.
    pub(in crate::account) async fn wait_until_needed(&self) {
        while self.lock().is_empty() {
            self.subscribed.notified().await;
        }
    }

    /// A panic under the lock leaves the map consistent, so poisoning is ignored.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Subscribers>> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscribers {
    fn send(&self, kind: EventKind) {
        // fails only if the last subscriber is being dropped
        let _ = self.sender.send(Notification { kind, rows: Arc::default() });
    }
}

impl Subscription {
    /// The next notification; `None` if the subscriber was too slow and missed some.
    pub(super) async fn next(&mut self) -> Option<Notification> {
        self.receiver.recv().await.ok()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut by_user = self.events.lock();
        let Some(subscribers) = by_user.get_mut(&self.user) else { return };
        subscribers.subscriptions -= 1;
        subscribers.connections -= u32::from(self.is_connection);
        if subscribers.subscriptions == 0 {
            by_user.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use uuid::Uuid;

    use super::*;

    const CHANGED: Change = Change::UserChanged;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    async fn next_kind(subscription: &mut Subscription) -> Option<EventKind> {
        subscription.next().await.map(|notification| notification.kind)
    }

    #[tokio::test]
    async fn subscribers_of_a_user_receive_that_users_changes_only() {
        let events = Events::new(10);
        let (mut one, mut other, mut stranger) =
            (events.subscribe(user(1)), events.subscribe(user(1)), events.subscribe(user(2)));
        events.publish(user(1), CHANGED);
        events.publish_gap();
        for subscription in [&mut one, &mut other] {
            assert_eq!(next_kind(subscription).await, Some(EventKind::Change(CHANGED)));
            assert_eq!(next_kind(subscription).await, Some(EventKind::Gap));
        }
        assert_eq!(next_kind(&mut stranger).await, Some(EventKind::Gap));
    }

    #[tokio::test]
    async fn slow_subscriber_is_disconnected() {
        let events = Events::new(10);
        let mut slow = events.subscribe(user(1));
        for _ in 0..=CAPACITY {
            events.publish(user(1), CHANGED);
        }
        assert_eq!(next_kind(&mut slow).await, None);
    }

    #[test]
    fn connections_of_a_user_are_limited_and_closing_one_makes_room() {
        let events = Events::new(2);
        let (first, _second) =
            (events.subscribe_connection(user(1)).unwrap(), events.subscribe_connection(user(1)).unwrap());
        let _subscription = events.subscribe(user(1));
        assert_eq!(events.subscribe_connection(user(1)).unwrap_err().code, Code::Overloaded);
        assert!(events.subscribe_connection(user(2)).is_ok());
        drop(first);
        assert!(events.subscribe_connection(user(1)).is_ok());
    }

    #[tokio::test]
    async fn feed_is_read_while_there_are_subscribers() {
        let events = Events::new(10);
        let pauses = async || timeout(Duration::from_millis(50), events.wait_until_needed()).await.is_err();
        assert!(pauses().await);
        let subscriptions = [events.subscribe(user(1)), events.subscribe(user(1))];
        assert!(!pauses().await && !pauses().await);
        drop(subscriptions);
        assert!(pauses().await);
        assert!(events.lock().is_empty());
    }
}
