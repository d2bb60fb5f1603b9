//! The session cache, keyed by the digest of the access token: a request with a cached token does not read the
//! database.
//!
//! # Why an ended session is refused on every node within a second
//!
//! Three rules apply. *Ending*: a transaction that ends a session, or changes its user, appends to the feed before it
//! commits, and the positions of a lane become visible in order and without gaps (see `entity::feed`). *Reading*: a
//! node that has read the feed first invalidates the entries that the rows name, and only then renews its [`Lease`],
//! for its duration counted from the moment **before** the read. *Serving*: a request checks the lease first and the
//! entry's mark second; an entry that is marked, has expired, or is not covered by the lease counts as absent, and the
//! database is read.
//!
//! Let a transaction that ends a session commit at moment *e*, and let a node serve an entry for that session at *t*.
//! The lease held at *t*, so a read of the feed that began at some *s* > *t* − lease was complete before *t*. If *e*
//! were before *s*, that read would have returned the row and marked the entry before it renewed the lease, and the
//! request would have found the mark, because it checks the lease first. Therefore *s* ≤ *e*, and *t* < *e* + lease.
//! The lease is shorter than the promised second.
//!
//! The argument requires that every entry is present when its mark is set. But an entry is built from a row that was
//! read earlier, and between the two the session may be ended and the ending be read from the feed. Therefore a filler
//! of the cache takes a [`FillGuard`] **before** it reads the row: the number of invalidations in the user's stripe.
//! The entry is inserted, under the stripe's lock, only if that number is unchanged. If it is unchanged, every ending
//! read from the feed so far was read before the row, so the row contains it, and every later one finds the entry in
//! the stripe. If it has changed, the request is answered from the row, and nothing is cached. Rows are read in batches
//! (`store::batcher`), but never by a statement that was in flight when the lookup was submitted, so a guard taken
//! before the submission was taken before the read.
//!
//! A request accepted at *t* is one that checked the clock at *t*. The time from there to its response, or a pause of
//! the process in between, is not counted. A token refused once is not accepted again, even within the second: a
//! request that reads from the database that its session has ended invalidates the entry immediately.
//!
//! The lease is measured on two clocks: the monotonic clock, and the wall clock, which continues while a suspended
//! machine stops the monotonic one. Either may end the lease; setting the wall clock costs a few queries and nothing
//! else. A virtual machine that is paused with both its clocks cannot detect this: after it resumes, it may serve
//! entries for the rest of its lease. Entries also expire by age, which limits the effect of an error in this argument.
//!
//! The argument holds for one database. A lagging replica, or a proxy that routes reads to one, returns an ending only
//! after the replica has received it. A promoted replica may have lost the newest rows and assign their positions
//! again; so a node that failed to read the feed starts anew, and invalidates everything.
//!
//! `model/` checks this argument with an executable model, and `tests/torture/` tests the server.

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

/// The minimum weight of an entry, in bytes: it bounds the number of entries.
const MIN_WEIGHT: usize = 1024;

/// Number of stripes of the index by user. Each has its own lock.
const STRIPES: usize = 256;

/// The cache.
pub(in crate::account) struct SessionCache {
    tokens: Cache<TokenDigest, Arc<SignedIn>, Size>,
    stripes: Vec<Stripe>,
    lease: Lease,
    /// Wakes the reader of the feed, which pauses while nothing is cached and there are no subscribers.
    filled: Notify,
}

/// The weight of an entry is its size in memory.
#[derive(Clone)]
struct Size;

impl Weighter<TokenDigest, Arc<SignedIn>> for Size {
    fn weight(&self, _: &TokenDigest, entry: &Arc<SignedIn>) -> u64 {
        entry.size().max(MIN_WEIGHT) as u64
    }
}

/// The entries of the users of one stripe.
#[derive(Default)]
struct Stripe {
    /// The number of invalidations in this stripe. Written under the lock.
    invalidations: AtomicU64,
    users: Mutex<HashMap<UserId, Vec<Weak<SignedIn>>>>,
}

/// Proves that a row was read after the last invalidation. Taken before the read, and checked when the entry is
/// inserted.
#[derive(Clone, Copy, Debug)]
pub(super) struct FillGuard(u64);

impl SessionCache {
    /// An empty cache for `sessions` sessions.
    pub(in crate::account) fn new(sessions: u32) -> Self {
        let room = u64::from(sessions) * MIN_WEIGHT as u64;
        Self {
            tokens: Cache::with_weighter(usize::try_from(sessions).unwrap_or(usize::MAX), room, Size),
            stripes: std::iter::repeat_with(Stripe::default).take(STRIPES).collect(),
            lease: Lease::default(),
            filled: Notify::new(),
        }
    }

    /// The caller of a token, if its entry is valid and covered by the lease.
    pub(super) fn get(&self, digest: &TokenDigest, clock: &dyn Clock) -> Option<Arc<SignedIn>> {
        let moment = Moment::of(clock);
        // the lease before the mark: see above
        if !self.lease.holds(moment) {
            return None;
        }
        let entry = self.tokens.get(digest)?;
        entry.is_valid(moment.time).then_some(entry)
    }

    /// The guard for an entry, which must be taken before its row is read. See [`Self::put`].
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
            let is_affected = session.is_none_or(|session| session == entry.session);
            if is_affected {
                entry.invalidate();
            }
            !is_affected
        });
        if entries.is_empty() {
            users.remove(&user);
        }
    }

    /// Invalidates all entries, when the changes are unknown.
    pub(super) fn invalidate_all(&self) {
        for stripe in &self.stripes {
            let mut users = stripe.lock();
            stripe.invalidations.fetch_add(1, Ordering::Release);
            let entries = users.drain().flat_map(|(_, entries)| entries);
            entries.filter_map(|entry| entry.upgrade()).for_each(|entry| entry.invalidate());
        }
        self.tokens.clear();
    }

    /// Renews the lease after a read of the feed that began at `began`, reached its end, and whose rows are
    /// invalidated.
    pub(super) fn renew(&self, began: Moment) {
        self.lease.renew(began);
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
    /// A panic while the lock is held leaves the map consistent, so poisoning is ignored.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Weak<SignedIn>>>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionCache({} sessions)", self.tokens.len())
    }
}
