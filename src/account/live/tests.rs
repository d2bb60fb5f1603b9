//! Each rule of the argument, and what happens when it is broken on purpose by the order of calls.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use entity::{IdentityId, Timestamp, session, user};
use uuid::Uuid;

use super::*;
use crate::token::Claims;

/// Two clocks that stand still until they are moved.
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

/// A session `n` of user 1 that expires so long after the clocks' start.
fn entry(n: u128, expires_in: i64) -> Arc<SignedIn> {
    let now = Timestamp(1_000_000);
    let user = user::Model {
        id: user_key(1),
        nickname: Some("Alice".to_owned()),
        avatar_url: None,
        locale: None,
        phone_number: None,
        status: user::Status::Active,
        role: user::Role::User,
        created_at: now,
        updated_at: now,
        last_login_at: now,
    };
    let session = session::Model {
        id: SessionId(Uuid::from_u128(n)),
        user_id: user.id,
        identity_id: IdentityId(Uuid::from_u128(1)),
        refresh_generation: 0,
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
        issued_at: now,
        expires_at: Timestamp(i64::MAX),
    };
    Arc::new(SignedIn::new(user, &session, &claims, now))
}

/// A cache that holds session `n` under the digest it gives back, with a fresh lease.
fn holding(clocks: &Clocks, n: u128) -> (Live, TokenDigest) {
    let (live, digest) = (Live::new(100), TokenDigest::of(&n.to_string()));
    live.renew(Moment::of(clocks));
    live.put(live.ticket(user_key(1)), digest, &entry(n, 60_000));
    assert!(live.get(&digest, clocks).is_some());
    (live, digest)
}

#[test]
fn without_a_lease_nothing_is_known() {
    let (clocks, live, digest) = (Clocks::new(), Live::new(100), TokenDigest::of("1"));
    live.put(live.ticket(user_key(1)), digest, &entry(1, 60_000));
    assert!(live.get(&digest, &clocks).is_none());
    live.renew(Moment::of(&clocks));
    assert!(live.get(&digest, &clocks).is_some());
}

#[test]
fn the_lease_is_over_before_the_second_is_and_counts_from_the_question() {
    let clocks = Clocks::new();
    let (live, digest) = holding(&clocks, 1);
    let asked = Moment::of(&clocks);
    clocks.pass(500);
    live.renew(asked);
    clocks.pass(399);
    assert!(live.get(&digest, &clocks).is_some());
    clocks.pass(1);
    assert!(live.get(&digest, &clocks).is_none());
}

#[test]
fn either_clock_ends_the_lease() {
    for (steady, time) in [(600_000, 0), (0, 600_000), (0, -600_000)] {
        let clocks = Clocks::new();
        let (live, digest) = holding(&clocks, 1);
        clocks.steady.fetch_add(steady, Ordering::SeqCst);
        clocks.time.fetch_add(time, Ordering::SeqCst);
        assert!(live.get(&digest, &clocks).is_none(), "{steady} {time}");
    }
}

#[test]
fn an_entry_expires_whatever_the_lease_says() {
    let (clocks, live, digest) = (Clocks::new(), Live::new(100), TokenDigest::of("1"));
    live.put(live.ticket(user_key(1)), digest, &entry(1, 100));
    live.renew(Moment::of(&clocks));
    clocks.pass(99);
    assert!(live.get(&digest, &clocks).is_some());
    clocks.pass(1);
    assert!(live.get(&digest, &clocks).is_none());
}

#[test]
fn an_ending_forgets_that_session_a_change_all_of_the_user_and_nobody_else() {
    let clocks = Clocks::new();
    let (live, first) = holding(&clocks, 1);
    let second = TokenDigest::of("second token of session 2");
    live.put(live.ticket(user_key(1)), second, &entry(2, 60_000));
    live.forget(user_key(2), None);
    live.forget(user_key(1), Some(SessionId(Uuid::from_u128(1))));
    assert!(live.get(&first, &clocks).is_none());
    assert!(live.get(&second, &clocks).is_some());
    live.forget(user_key(1), None);
    assert!(live.get(&second, &clocks).is_none());
}

#[test]
fn what_was_read_before_something_was_forgotten_is_not_kept() {
    let clocks = Clocks::new();
    let (live, digest) = (Live::new(100), TokenDigest::of("1"));
    live.renew(Moment::of(&clocks));
    for forget in [|live: &Live| live.forget(user_key(1), Some(SessionId(Uuid::from_u128(9)))), Live::forget_all] {
        let ticket = live.ticket(user_key(1));
        forget(&live);
        live.put(ticket, digest, &entry(1, 60_000));
        assert!(live.get(&digest, &clocks).is_none());
    }
}

#[test]
fn all_is_forgotten_at_once() {
    let clocks = Clocks::new();
    let (live, digest) = holding(&clocks, 1);
    let held = live.get(&digest, &clocks).unwrap();
    live.forget_all();
    assert!(live.get(&digest, &clocks).is_none());
    assert!(!held.is_good(clocks.now()));
}

#[test]
fn there_are_never_more_entries_than_there_is_room_for_and_no_trace_of_those_that_went() {
    let clocks = Clocks::new();
    let live = Live::new(100);
    live.renew(Moment::of(&clocks));
    for n in 0..10_000_u128 {
        live.put(live.ticket(user_key(1)), TokenDigest::of(&n.to_string()), &entry(n, 60_000));
    }
    assert!(live.tokens.len() <= 100);
    live.sweep(clocks.now());
    let traces: usize = live.stripes.iter().map(|stripe| stripe.lock().values().map(Vec::len).sum::<usize>()).sum();
    assert!(traces <= 100, "{traces}");
}

#[tokio::test]
async fn the_reader_of_the_feed_rests_until_there_is_something_to_hold() {
    let live = Live::new(100);
    let rests = tokio::time::timeout(Duration::from_millis(50), live.is_wanted()).await;
    assert!(rests.is_err());
    live.put(live.ticket(user_key(1)), TokenDigest::of("1"), &entry(1, 60_000));
    live.is_wanted().await;
    live.is_wanted().await;
}

#[test]
fn entries_end_by_age_and_are_swept_away() {
    let clocks = Clocks::new();
    let (live, digest) = (Live::new(100), TokenDigest::of("1"));
    live.put(live.ticket(user_key(1)), digest, &entry(1, 24 * 3_600_000));
    for (pass, remains) in [(599_999, true), (1, false)] {
        clocks.pass(pass);
        live.renew(Moment::of(&clocks));
        assert_eq!(live.get(&digest, &clocks).is_some(), remains);
        live.sweep(clocks.now());
        assert_eq!(live.tokens.is_empty(), !remains);
    }
}
