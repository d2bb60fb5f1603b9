//! The sessions known to live, by the digest of their token: a request that brings a known token asks no database.
//!
//! # Why a session that was ended is dead on every node within a second
//!
//! Three rules. *Ending*: whatever ends a session, or changes its user, appends to the feed in the same transaction, and
//! positions of a lane become visible in order and without gaps (see `entity::feed`). *Reading*: a node that has read
//! the feed first forgets what the rows name, and only then renews its [`Lease`], for as long as the lease lasts from
//! the moment **before** it asked. *Trusting*: a request looks at the lease first, then at the entry's mark; an entry
//! that is marked, or has expired, or is held without a lease, is as good as none, and the database is asked.
//!
//! Let a session be ended by a transaction that commits at moment *e*, and let a node accept an entry for it at *t*. The
//! lease held, so a reading that began at some *s* > *t* − lease was complete before *t*. Had *e* been before *s*, the
//! reading would have seen the row, and would have marked the entry before it renewed the lease: the request would have
//! found the mark, because it looked at the lease first. So *s* ≤ *e*, and *t* < *e* + lease. The lease is shorter than the
//! second that is promised.
//!
//! That needs every entry to be there when its mark is set. An entry is made from a row that was read some time before,
//! and the session may be ended, and the ending read and forgotten again, between the two. So whoever wants to fill the
//! cache takes a [`Ticket`] **before** reading the row: the count of what was forgotten in the user's stripe. Under the
//! stripe's lock the entry is admitted only if the count is still the same. If it is, every ending read so far was read
//! before the row was, so the row shows it; every ending read later finds the entry in the stripe. If it is not, the
//! request is answered from the row, and nothing is kept. Rows are read for many at once (`store::batch`), but never by a
//! statement that was under way when somebody asked: whoever took a ticket before asking took it before the reading.
//!
//! A request that is let in at *t* is one that looked at the clock at *t*: how long it takes from there to its answer, or
//! how long the process stands still on the way, is not counted. Who is refused is not let in again, even within the
//! second: a request that finds in the database that its session is over forgets it on the spot.
//!
//! The lease is measured on two clocks: one that nobody can set, and the machine's, which goes on where the first stands
//! still (a machine that sleeps). Either may end it; a clock that is moved costs a few queries, no more. A virtual machine
//! that is stopped with both its clocks cannot know: it may let in for what was left of its lease when it goes on.
//! Entries also end by age, so that a fault in all this would heal.
//!
//! All this is about one database. A replica that lags, and a proxy that sends reads to one, tell of an ending when they
//! hear of it. A replica that takes over may have lost the newest rows and put others in their places: so whoever could
//! not read the feed begins anew, and forgets everything.
//!
//! `model/` checks this argument step by step, and `tests/torture/` the server itself.

mod lease;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use entity::{SessionId, Timestamp, UserId};
use quick_cache::{Weighter, sync::Cache};
use tokio::sync::Notify;

use super::SignedIn;
use crate::{clock::Clock, token::TokenDigest};
use lease::Lease;
pub(super) use lease::Moment;

/// What one entry counts for at least, in bytes: bounds how many there are.
const LEAST: usize = 1024;

/// Parts of the directory, each with a lock of its own.
const STRIPES: usize = 256;

/// The cache.
pub(super) struct Live {
    tokens: Cache<TokenDigest, Arc<SignedIn>, Size>,
    stripes: Vec<Stripe>,
    lease: Lease,
    /// Wakes the reader of the feed, which rests while nothing is held and nobody listens.
    filled: Notify,
}

/// Weighs entries.
#[derive(Clone)]
struct Size;

impl Weighter<TokenDigest, Arc<SignedIn>> for Size {
    fn weight(&self, _: &TokenDigest, entry: &Arc<SignedIn>) -> u64 {
        entry.size().max(LEAST) as u64
    }
}

/// Where the entries of some users are found again.
#[derive(Default)]
struct Stripe {
    /// How often something was forgotten here. Written under the lock.
    forgotten: AtomicU64,
    users: Mutex<HashMap<UserId, Vec<Weak<SignedIn>>>>,
}

/// The right to fill the cache with what is read from now on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

impl Live {
    /// An empty cache for so many sessions.
    pub(super) fn new(sessions: u32) -> Self {
        let room = u64::from(sessions) * LEAST as u64;
        Self {
            tokens: Cache::with_weighter(usize::try_from(sessions).unwrap_or(usize::MAX), room, Size),
            stripes: std::iter::repeat_with(Stripe::default).take(STRIPES).collect(),
            lease: Lease::default(),
            filled: Notify::new(),
        }
    }

    /// Who the token speaks for, where that is known for sure.
    pub(super) fn get(&self, digest: &TokenDigest, clock: &dyn Clock) -> Option<Arc<SignedIn>> {
        let moment = Moment::of(clock);
        // the lease before the mark: see above
        if !self.lease.holds(moment) {
            return None;
        }
        let entry = self.tokens.get(digest)?;
        entry.is_good(moment.time).then_some(entry)
    }

    /// To be taken before the row is read that [`Self::put`] is given.
    pub(super) fn ticket(&self, user: UserId) -> Ticket {
        Ticket(self.stripe(user).forgotten.load(Ordering::Acquire))
    }

    /// Keeps an entry, unless something was forgotten since the ticket was taken.
    pub(super) fn put(&self, ticket: Ticket, digest: TokenDigest, entry: &Arc<SignedIn>) {
        let stripe = self.stripe(entry.user.id);
        let mut users = stripe.lock();
        if stripe.forgotten.load(Ordering::Relaxed) != ticket.0 {
            return;
        }
        let entries = users.entry(entry.user.id).or_default();
        entries.retain(|entry| entry.strong_count() > 0);
        entries.push(Arc::downgrade(entry));
        drop(users);
        // should it be forgotten in this very moment, it is kept with its mark
        self.tokens.insert(digest, Arc::clone(entry));
        self.filled.notify_one();
    }

    /// Forgets one session of a user, or all of them.
    pub(super) fn forget(&self, user: UserId, session: Option<SessionId>) {
        let stripe = self.stripe(user);
        let mut users = stripe.lock();
        stripe.forgotten.fetch_add(1, Ordering::Release);
        let Some(entries) = users.get_mut(&user) else { return };
        entries.retain(|entry| {
            let Some(entry) = entry.upgrade() else { return false };
            let meant = session.is_none_or(|session| session == entry.session);
            if meant {
                entry.forget();
            }
            !meant
        });
        if entries.is_empty() {
            users.remove(&user);
        }
    }

    /// Forgets everything: it is not known what happened.
    pub(super) fn forget_all(&self) {
        for stripe in &self.stripes {
            let mut users = stripe.lock();
            stripe.forgotten.fetch_add(1, Ordering::Release);
            let entries = users.drain().flat_map(|(_, entries)| entries);
            entries.filter_map(|entry| entry.upgrade()).for_each(|entry| entry.forget());
        }
        self.tokens.clear();
    }

    /// The feed was read to its end by somebody who began at `asked`, and all that it named is forgotten.
    pub(super) fn renew(&self, asked: Moment) {
        self.lease.renew(asked);
    }

    /// Waits until there is something to hold a lease for.
    pub(super) async fn is_wanted(&self) {
        if self.tokens.is_empty() {
            self.filled.notified().await;
        }
    }

    /// Drops the entries that have ended, and what is left in the directory of those that went.
    pub(super) fn sweep(&self, now: Timestamp) {
        self.tokens.retain(|_, entry| entry.is_good(now));
        for stripe in &self.stripes {
            stripe.lock().retain(|_, entries| {
                entries.retain(|entry| entry.strong_count() > 0);
                !entries.is_empty()
            });
        }
    }

    fn stripe(&self, user: UserId) -> &Stripe {
        // the last bytes of a key are random
        &self.stripes[usize::from(user.0.as_bytes()[14]) % STRIPES]
    }
}

impl Stripe {
    /// Whoever panicked with the lock has left nothing half done.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Weak<SignedIn>>>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({} sessions)", self.tokens.len())
    }
}
