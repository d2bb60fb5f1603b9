//! Tests of each rule of the argument in `cache`, with the calls in the critical order.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use entity::{IdentityId, Timestamp, session, user};
use uuid::Uuid;

use super::*;
use crate::token::Claims;

/// Both clocks, set by the test.
#[derive(Debug)]
struct Clocks {
    start: Instant,
    steady: AtomicI64,
    time: AtomicI64,
}

impl Clocks {
    fn new() -> Self {
        Self { start: Instant::now(), steady: AtomicI64::new(0), time: AtomicI64::new(1_000_000) }
    }

    fn pass(&self, millis: i64) {
        self.steady.fetch_add(millis, Ordering::SeqCst);
        self.time.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for Clocks {
    fn now(&self) -> Timestamp {
        Timestamp(self.time.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Instant {
        self.start + Duration::from_millis(self.steady.load(Ordering::SeqCst).try_into().unwrap())
    }
}

fn user_key(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

/// A session `n` of user 1 that expires `expires_in` milliseconds after the start.
fn entry(n: u128, expires_in: i64) -> Arc<SignedIn> {
    entry_of_token(n, expires_in, i64::MAX)
}

/// The same, for a token with its own expiry.
fn entry_of_token(n: u128, expires_in: i64, token_expires_at: i64) -> Arc<SignedIn> {
    let now = Timestamp(1_000_000);
    let user = user::Model {
        id: user_key(1),
        nickname: Some("Alice".to_owned()),
        avatar_url: None,
        locale: None,
        sealed_phone: None,
        phone_index: None,
        status: user::Status::Active,
        role: user::Role::User,
        created_at: now,
        updated_at: now,
        last_login_at: now,
        deletes_at: None,
    };
    let session = session::Model {
        id: SessionId(Uuid::from_u128(n)),
        user_id: user.id,
        identity_id: IdentityId(Uuid::from_u128(1)),
        refresh_generation: 0,
        refreshed_at: None,
        used_generation: 0,
        device_id: None,
        device_name: None,
        user_agent: None,
        ip_prefix: None,
        created_at: now,
        last_used_at: now,
        expires_at: Timestamp(now.0 + expires_in),
        ended_at: None,
        end_reason: None,
    };
    let claims = Claims {
        user: user.id,
        session: session.id,
        app_id: "wx1".to_owned(),
        generation: 0,
        issued_at: now,
        expires_at: Timestamp(token_expires_at),
    };
    Arc::new(SignedIn::new(user, &session, &claims, now))
}

/// A cache that contains session `n` under the returned digest, with a new lease.
fn holding(clocks: &Clocks, n: u128) -> (SessionCache, TokenDigest) {
    let (cache, digest) = (SessionCache::new(100), TokenDigest::of(&n.to_string()));
    cache.renew(Moment::of(clocks));
    cache.put(cache.fill_guard(user_key(1)), digest, &entry(n, 60_000));
    assert!(cache.get(&digest, clocks).is_some());
    (cache, digest)
}

#[test]
fn nothing_is_served_without_a_lease() {
    let (clocks, cache, digest) = (Clocks::new(), SessionCache::new(100), TokenDigest::of("1"));
    cache.put(cache.fill_guard(user_key(1)), digest, &entry(1, 60_000));
    assert!(cache.get(&digest, &clocks).is_none());
    cache.renew(Moment::of(&clocks));
    assert!(cache.get(&digest, &clocks).is_some());
}

#[test]
fn lease_counts_from_the_start_of_the_read_and_ends_within_the_second() {
    let clocks = Clocks::new();
    let (cache, digest) = holding(&clocks, 1);
    let began = Moment::of(&clocks);
    clocks.pass(500);
    cache.renew(began);
    clocks.pass(399);
    assert!(cache.get(&digest, &clocks).is_some());
    clocks.pass(1);
    assert!(cache.get(&digest, &clocks).is_none());
}

#[test]
fn either_clock_ends_the_lease() {
    for (steady, time) in [(600_000, 0), (0, 600_000), (0, -600_000)] {
        let clocks = Clocks::new();
        let (cache, digest) = holding(&clocks, 1);
        clocks.steady.fetch_add(steady, Ordering::SeqCst);
        clocks.time.fetch_add(time, Ordering::SeqCst);
        assert!(cache.get(&digest, &clocks).is_none(), "{steady} {time}");
    }
}

#[test]
fn entry_expires_under_a_valid_lease() {
    let (clocks, cache, digest) = (Clocks::new(), SessionCache::new(100), TokenDigest::of("1"));
    cache.put(cache.fill_guard(user_key(1)), digest, &entry(1, 100));
    cache.renew(Moment::of(&clocks));
    clocks.pass(99);
    assert!(cache.get(&digest, &clocks).is_some());
    clocks.pass(1);
    assert!(cache.get(&digest, &clocks).is_none());
}

#[test]
fn entry_expires_with_its_token() {
    let (clocks, cache, digest) = (Clocks::new(), SessionCache::new(100), TokenDigest::of("1"));
    cache.put(cache.fill_guard(user_key(1)), digest, &entry_of_token(1, 60_000, 1_000_100));
    cache.renew(Moment::of(&clocks));
    clocks.pass(99);
    assert!(cache.get(&digest, &clocks).is_some());
    clocks.pass(1);
    assert!(cache.get(&digest, &clocks).is_none());
}

#[test]
fn ending_invalidates_one_session_and_a_user_change_all_sessions() {
    let clocks = Clocks::new();
    let (cache, first) = holding(&clocks, 1);
    let second = TokenDigest::of("second token of session 2");
    cache.put(cache.fill_guard(user_key(1)), second, &entry(2, 60_000));
    cache.invalidate(user_key(2), None);
    cache.invalidate(user_key(1), Some(SessionId(Uuid::from_u128(1))));
    assert!(cache.get(&first, &clocks).is_none());
    assert!(cache.get(&second, &clocks).is_some());
    cache.invalidate(user_key(1), None);
    assert!(cache.get(&second, &clocks).is_none());
}

#[test]
fn row_read_before_an_invalidation_is_not_cached() {
    let clocks = Clocks::new();
    let (cache, digest) = (SessionCache::new(100), TokenDigest::of("1"));
    cache.renew(Moment::of(&clocks));
    for invalidate in [
        |cache: &SessionCache| cache.invalidate(user_key(1), Some(SessionId(Uuid::from_u128(9)))),
        SessionCache::invalidate_all,
    ] {
        let guard = cache.fill_guard(user_key(1));
        invalidate(&cache);
        cache.put(guard, digest, &entry(1, 60_000));
        assert!(cache.get(&digest, &clocks).is_none());
    }
}

#[test]
fn invalidate_all_invalidates_held_entries() {
    let clocks = Clocks::new();
    let (cache, digest) = holding(&clocks, 1);
    let held = cache.get(&digest, &clocks).unwrap();
    cache.invalidate_all();
    assert!(cache.get(&digest, &clocks).is_none());
    assert!(!held.is_valid(clocks.now()));
}

#[test]
fn evicted_entries_leave_no_trace_in_the_index() {
    let clocks = Clocks::new();
    let cache = SessionCache::new(100);
    cache.renew(Moment::of(&clocks));
    for n in 0..10_000_u128 {
        cache.put(cache.fill_guard(user_key(1)), TokenDigest::of(&n.to_string()), &entry(n, 60_000));
    }
    assert!(cache.tokens.len() <= 100);
    cache.sweep(clocks.now());
    let traces: usize = cache.stripes.iter().map(|stripe| stripe.lock().values().map(Vec::len).sum::<usize>()).sum();
    assert!(traces <= 100, "{traces}");
}

#[tokio::test]
async fn feed_reader_waits_until_something_is_cached() {
    let cache = SessionCache::new(100);
    let pauses = tokio::time::timeout(Duration::from_millis(50), cache.wait_until_needed()).await;
    assert!(pauses.is_err());
    cache.put(cache.fill_guard(user_key(1)), TokenDigest::of("1"), &entry(1, 60_000));
    cache.wait_until_needed().await;
    cache.wait_until_needed().await;
}

#[test]
fn entries_end_by_age_and_are_swept() {
    let clocks = Clocks::new();
    let (cache, digest) = (SessionCache::new(100), TokenDigest::of("1"));
    cache.put(cache.fill_guard(user_key(1)), digest, &entry(1, 24 * 3_600_000));
    for (pass, remains) in [(599_999, true), (1, false)] {
        clocks.pass(pass);
        cache.renew(Moment::of(&clocks));
        assert_eq!(cache.get(&digest, &clocks).is_some(), remains);
        cache.sweep(clocks.now());
        assert_eq!(cache.tokens.is_empty(), !remains);
    }
}
