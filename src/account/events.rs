//! Who listens on this node to what happens to an account, and tells them. What is told comes from the feed alone, where
//! it stands once and in order; what was done on this node comes by that way too, a moment later.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::UserId;
use tokio::sync::{Notify, broadcast};

use crate::{
    error::{ApiError, Code},
    store::Change,
};

/// How much news waits for a listener who does not take it. One with more than that is told to come again.
const WAITING: usize = 64;

/// Something listeners hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// This happened.
    Change(Change),
    /// Nobody knows what happened: the feed had a gap. Whoever needs to know asks the database.
    Gap,
}

/// The listeners.
#[derive(Debug)]
pub(super) struct Events {
    audiences: Mutex<HashMap<UserId, Audience>>,
    seats_per_user: u32,
    /// Wakes the reader of the feed, which rests while nobody listens.
    joined: Notify,
}

/// Those who listen to one user's account.
#[derive(Debug)]
struct Audience {
    stage: broadcast::Sender<News>,
    listeners: u32,
    /// How many of them have a connection of their own.
    seats: u32,
}

/// One who listens, until dropped.
#[derive(Debug)]
pub(super) struct Listener {
    events: Arc<Events>,
    user: UserId,
    seated: bool,
    news: broadcast::Receiver<News>,
}

impl Events {
    /// Nobody yet, and room for so many connections of one user.
    pub(super) fn new(seats_per_user: u32) -> Arc<Self> {
        Arc::new(Self { audiences: Mutex::default(), seats_per_user, joined: Notify::new() })
    }

    /// Listens to a user's account.
    pub(super) fn listen(self: &Arc<Self>, user: UserId) -> Listener {
        self.join(user, false, &mut self.lock())
    }

    /// The same for a connection, of which a user may have only so many.
    ///
    /// # Errors
    /// `OVERLOADED`
    pub(super) fn take_seat(self: &Arc<Self>, user: UserId) -> Result<Listener, ApiError> {
        let mut audiences = self.lock();
        if audiences.get(&user).is_some_and(|audience| audience.seats >= self.seats_per_user) {
            return Err(ApiError::new(Code::Overloaded).detail("The user has too many connections."));
        }
        Ok(self.join(user, true, &mut audiences))
    }

    fn join(self: &Arc<Self>, user: UserId, seated: bool, audiences: &mut HashMap<UserId, Audience>) -> Listener {
        let empty = || Audience { stage: broadcast::Sender::new(WAITING), listeners: 0, seats: 0 };
        let audience = audiences.entry(user).or_insert_with(empty);
        audience.listeners += 1;
        audience.seats += u32::from(seated);
        self.joined.notify_one();
        Listener { events: Arc::clone(self), user, seated, news: audience.stage.subscribe() }
    }

    /// Tells those who listen to a user's account.
    pub(super) fn tell(&self, user: UserId, change: Change) {
        if let Some(audience) = self.lock().get(&user) {
            // whoever is about to leave need not hear it
            let _ = audience.stage.send(News::Change(change));
        }
    }

    /// Tells everybody that the feed had a gap.
    pub(super) fn tell_of_gap(&self) {
        for audience in self.lock().values() {
            let _ = audience.stage.send(News::Gap);
        }
    }

    /// Waits until somebody listens.
    pub(super) async fn is_wanted(&self) {
        while self.lock().is_empty() {
            self.joined.notified().await;
        }
    }

    /// Whoever panicked with the lock has left nothing half done.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Audience>> {
        self.audiences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// What is heard next; `None` for one who was too slow to hear it all.
    pub(super) async fn next(&mut self) -> Option<News> {
        self.news.recv().await.ok()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut audiences = self.events.lock();
        let Some(audience) = audiences.get_mut(&self.user) else { return };
        audience.listeners -= 1;
        audience.seats -= u32::from(self.seated);
        if audience.listeners == 0 {
            audiences.remove(&self.user);
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

    #[tokio::test]
    async fn everybody_who_listens_to_a_user_hears_what_happens_to_that_user() {
        let events = Events::new(10);
        let (mut one, mut other, mut stranger) =
            (events.listen(user(1)), events.listen(user(1)), events.listen(user(2)));
        events.tell(user(1), CHANGED);
        events.tell_of_gap();
        for listener in [&mut one, &mut other] {
            assert_eq!(listener.next().await, Some(News::Change(CHANGED)));
            assert_eq!(listener.next().await, Some(News::Gap));
        }
        assert_eq!(stranger.next().await, Some(News::Gap));
    }

    #[tokio::test]
    async fn one_who_is_too_slow_is_not_waited_for() {
        let events = Events::new(10);
        let mut slow = events.listen(user(1));
        for _ in 0..=WAITING {
            events.tell(user(1), CHANGED);
        }
        assert_eq!(slow.next().await, None);
    }

    #[test]
    fn a_user_has_so_many_connections_and_one_who_leaves_makes_room() {
        let events = Events::new(2);
        let (first, _second) = (events.take_seat(user(1)).unwrap(), events.take_seat(user(1)).unwrap());
        let _standing = events.listen(user(1));
        assert_eq!(events.take_seat(user(1)).unwrap_err().code, Code::Overloaded);
        assert!(events.take_seat(user(2)).is_ok());
        drop(first);
        assert!(events.take_seat(user(1)).is_ok());
    }

    #[tokio::test]
    async fn the_reader_of_the_feed_is_wanted_for_as_long_as_somebody_listens() {
        let events = Events::new(10);
        let rests = async || timeout(Duration::from_millis(50), events.is_wanted()).await.is_err();
        assert!(rests().await);
        let listeners = [events.listen(user(1)), events.listen(user(1))];
        assert!(!rests().await && !rests().await);
        drop(listeners);
        assert!(rests().await);
        assert!(events.lock().is_empty());
    }
}
