//! The session cache, by the digest of the access token: a request with a cached token reads no database.
//!
//! # Why an ended session is refused on every node within a second
//!
//! Three rules. *Ending*: a transaction that ends a session, or changes its user, appends to the feed before it commits,
//! and the positions of a lane become visible in order and without gaps (see `entity::feed`). *Reading*: a node that has
//! read the feed first invalidates what the rows name, and only then renews its [`Lease`], for the lease's duration from
//! the moment **before** it read. *Serving*: a request checks the lease first, then the entry's mark; an entry that is
//! marked, has expired, or is not covered by the lease counts as absent, and the database is read.
//!
//! Let a transaction that ends a session commit at moment *e*, and let a node serve an entry for it at *t*. The lease
//! held, so a read of the feed that began at some *s* > *t* − lease was complete before *t*. Had *e* been before *s*, that
//! read would have returned the row, and would have marked the entry before it renewed the lease: the request would have
//! found the mark, because it checks the lease first. So *s* ≤ *e*, and *t* < *e* + lease. The lease is shorter than the
//! promised second.
//!
//! This requires every entry to be present when its mark is set. An entry is built from a row that was read earlier, and
//! the session may be ended, and the ending read and invalidated, between the two. So a filler of the cache takes a
//! [`FillGuard`] **before** reading the row: the number of invalidations in the user's stripe. Under the stripe's lock the
//! entry is inserted only if that number is unchanged. If it is, every ending read so far was read before the row was, so
//! the row shows it; every ending read later finds the entry in the stripe. If it is not, the request is answered from the
//! row, and nothing is cached. Rows are read in batches (`store::batcher`), but never by a statement that was in flight
//! when the lookup was submitted: a guard taken before the submission was taken before the read.
//!
//! A request that is let in at *t* is one that checked the clock at *t*: the time from there to its answer, or a pause of
//! the process on the way, is not counted. A token refused once is not served again, even within the second: a request
//! that finds in the database that its session has ended invalidates the entry at once.
//!
//! The lease is measured on two clocks: a monotonic one, and the machine's, which goes on where the first stands still (a
//! machine that sleeps). Either may end it; a clock that is set costs a few queries, no more. A virtual machine that is
//! paused with both its clocks cannot know: it may serve for what was left of its lease when it resumes. Entries also end
//! by age, so that a mistake in all this would heal.
//!
//! All this holds for one database. A replica that lags, and a proxy that sends reads to one, show an ending when they
//! have received it. A replica that takes over may have lost the newest rows and put others in their places: so a node
//! that failed to read the feed starts anew, and invalidates everything.
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

/// The least weight of an entry, in bytes: bounds the number of entries.
const MIN_WEIGHT: usize = 1024;

/// Parts of the index by user, each with a lock of its own.
const STRIPES: usize = 256;

/// The cache.
pub(in crate::account) struct SessionCache {
    tokens: Cache<TokenDigest, Arc<SignedIn>, Size>,
    stripes: Vec<Stripe>,
    lease: Lease,
    /// Wakes the reader of the feed, which pauses while nothing is cached and nobody subscribes.
    filled: Notify,
}

/// Weighs entries.
#[derive(Clone)]
struct Size;

impl Weighter<TokenDigest, Arc<SignedIn>> for Size {
    fn weight(&self, _: &TokenDigest, entry: &Arc<SignedIn>) -> u64 {
        entry.size().max(MIN_WEIGHT) as u64
    }
}

/// The entries of some users, by user.
#[derive(Default)]
struct Stripe {
    /// The number of invalidations in this stripe. Written under the lock.
    invalidations: AtomicU64,
    users: Mutex<HashMap<UserId, Vec<Weak<SignedIn>>>>,
}

/// Admits to the cache only what was read after it was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct FillGuard(u64);

impl SessionCache {
    /// An empty cache for so many sessions.
    pub(in crate::account) fn new(sessions: u32) -> Self {
        let room = u64::from(sessions) * MIN_WEIGHT as u64;
        Self {
            tokens: Cache::with_weighter(usize::try_from(sessions).unwrap_or(usize::MAX), room, Size),
            stripes: std::iter::repeat_with(Stripe::default).take(STRIPES).collect(),
            lease: Lease::default(),
            filled: Notify::new(),
        }
    }

    /// The caller of a token, where a valid entry is covered by the lease.
    pub(super) fn get(&self, digest: &TokenDigest, clock: &dyn Clock) -> Option<Arc<SignedIn>> {
        let moment = Moment::of(clock);
        // the lease before the mark: see above
        if !self.lease.holds(moment) {
            return None;
        }
        let entry = self.tokens.get(digest)?;
        entry.is_valid(moment.time).then_some(entry)
    }

    /// To be taken before reading the row that is given to [`Self::put`].
    pub(super) fn fill_guard(&self, user: UserId) -> FillGuard {
        FillGuard(self.stripe(user).invalidations.load(Ordering::Acquire))
    }

    /// Inserts an entry, unless something was invalidated since the guard was taken.
    pub(super) fn put(&self, guard: FillGuard, digest: TokenDigest, entry: &Arc<SignedIn>) {
        let stripe = self.stripe(entry.user.id);
        let mut users = stripe.lock();
        if stripe.invalidations.load(Ordering::Relaxed) != guard.0 {
            return;
        }
        let entries = users.entry(entry.user.id).or_default();
        entries.retain(|entry| entry.strong_count() > 0);
        entries.push(Arc::downgrade(entry));
        drop(users);
        // an entry that is invalidated at this very moment is inserted with its mark
        self.tokens.insert(digest, Arc::clone(entry));
        self.filled.notify_one();
    }

    /// Invalidates one session of a user, or all of them.
    pub(super) fn invalidate(&self, user: UserId, session: Option<SessionId>) {
        let stripe = self.stripe(user);
        let mut users = stripe.lock();
        stripe.invalidations.fetch_add(1, Ordering::Release);
        let Some(entries) = users.get_mut(&user) else { return };
        entries.retain(|entry| {
            let Some(entry) = entry.upgrade() else { return false };
            let meant = session.is_none_or(|session| session == entry.session);
            if meant {
                entry.invalidate();
            }
            !meant
        });
        if entries.is_empty() {
            users.remove(&user);
        }
    }

    /// Invalidates everything, where it is unknown what happened.
    pub(super) fn invalidate_all(&self) {
        for stripe in &self.stripes {
            let mut users = stripe.lock();
            stripe.invalidations.fetch_add(1, Ordering::Release);
            let entries = users.drain().flat_map(|(_, entries)| entries);
            entries.filter_map(|entry| entry.upgrade()).for_each(|entry| entry.invalidate());
        }
        self.tokens.clear();
    }

    /// Renews the lease: the feed was read to its end from `asked` on, and all that it named is invalidated.
    pub(super) fn renew(&self, asked: Moment) {
        self.lease.renew(asked);
    }

    /// Waits until something is cached.
    pub(super) async fn wait_until_needed(&self) {
        if self.tokens.is_empty() {
            self.filled.notified().await;
        }
    }

    /// Removes the entries that are no longer valid, and dangling references to evicted ones.
    pub(in crate::account) fn sweep(&self, now: Timestamp) {
        self.tokens.retain(|_, entry| entry.is_valid(now));
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
    /// A panic under the lock leaves the map consistent, so poisoning is ignored.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Weak<SignedIn>>>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionCache({} sessions)", self.tokens.len())
    }
}
