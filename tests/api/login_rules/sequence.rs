//! Random sequences of events for a few people: few enough that they collide, and reach the session limit.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use entity::{CodeHash, IdentityId, OpenId, Sealed, SessionId, Timestamp, UnionId, UserId, user::Status};
use miniaccount::store::{CodeClaim, CodeOutcome, Login, NewSession, ProvenIdentity};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use uuid::Uuid;

/// A person at WeChat: the mini program and the openid.
pub(super) type Name = (String, OpenId);

/// An event.
#[derive(Debug)]
pub(super) enum Step {
    /// Concurrent logins.
    Logins(Vec<Login>),
    /// All sessions of a person end.
    EndSessions(Name, Timestamp),
    /// An account is suspended or reinstated.
    SetStatus(Name, Status, Timestamp),
}

/// The maximum number of live sessions of one user.
const SESSIONS_PER_USER: u32 = 3;

/// The lifetime of a session, in milliseconds.
const LIFETIME: i64 = 12_000;

/// A login without its keys and times.
#[derive(Clone, Debug)]
struct Draft {
    app: u8,
    person: u8,
    unionid: Option<u8>,
    device: Option<u8>,
    session_key: u8,
    /// How long ago WeChat was called, in milliseconds.
    called_ago: i64,
}

#[derive(Clone, Debug)]
enum Draw {
    Logins(Vec<Draft>),
    EndSessions(u8, u8),
    SetStatus(u8, u8, bool),
}

/// A sequence that no earlier call of the runner returned.
pub(super) fn random_steps(runner: &mut TestRunner) -> Vec<Step> {
    let draws = prop::collection::vec(draw(), 4..14).new_tree(runner).unwrap().current();
    draws.into_iter().zip(0..).map(|(draw, place)| step(draw, 1_790_000_000_000 + place * 1000)).collect()
}

fn draw() -> impl Strategy<Value = Draw> {
    let (apps, people): (Range<u8>, Range<u8>) = (0..2, 0..4);
    prop_oneof![
        10 => prop::collection::vec(draft(), 1..6).prop_map(Draw::Logins),
        1 => (apps.clone(), people.clone()).prop_map(|(app, person)| Draw::EndSessions(app, person)),
        1 => (apps, people, any::<bool>()).prop_map(|(app, person, closed)| Draw::SetStatus(app, person, closed)),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let unionid = prop_oneof![3 => Just(None), 1 => Just(Some(9)), 6 => (0_u8..4).prop_map(Some)];
    let device = prop::option::of(0_u8..2);
    // usually the unionid of the person
    (0_u8..2, 0_u8..4, unionid, any::<bool>(), device, 0_u8..2, 0_i64..3000).prop_map(
        |(app, person, unionid, is_own, device, session_key, called_ago)| Draft {
            app,
            person,
            unionid: unionid.map(|other| if is_own { person } else { other }),
            device,
            session_key,
            called_ago,
        },
    )
}

fn step(draw: Draw, now: i64) -> Step {
    match draw {
        Draw::Logins(drafts) => Step::Logins(drafts.iter().zip(now..).map(|(draft, now)| login(draft, now)).collect()),
        Draw::EndSessions(app, person) => Step::EndSessions(name(app, person), Timestamp(now)),
        Draw::SetStatus(app, person, closed) => {
            let status = if closed { Status::Suspended } else { Status::Active };
            Step::SetStatus(name(app, person), status, Timestamp(now))
        }
    }
}

/// A login of somebody.
pub(super) fn some_login() -> Login {
    login(&Draft { app: 1, person: 1, unionid: None, device: None, session_key: 0, called_ago: 0 }, 1_000_000)
}

fn name(app: u8, person: u8) -> Name {
    (format!("wx{app}"), OpenId(format!("o_{person}")))
}

fn login(draft: &Draft, now: i64) -> Login {
    let (app_id, openid) = name(draft.app, draft.person);
    let now = Timestamp(now);
    let identity = ProvenIdentity {
        app_id,
        open_platform: "main".to_owned(),
        openid,
        unionid: draft.unionid.map(|unionid| UnionId(format!("u_{unionid}"))),
        session_key: Sealed(vec![draft.session_key; 40]),
        asked_at: Timestamp(now.0 - draft.called_ago),
        new_identity: IdentityId(key(now)),
        now,
    };
    Login {
        identity,
        joins: None,
        create_user: true,
        new_user: UserId(key(now)),
        session: NewSession {
            id: SessionId(key(now)),
            device_id: draft.device.map(|device| format!("device {device}")),
            device_name: draft.device.map(|_| "爱丽丝的手机 📱".to_owned()),
            user_agent: Some("MicroMessenger/8.0".to_owned()),
            ip_prefix: Some("203.0.113.0/24".to_owned()),
            expires_at: Timestamp(now.0 + LIFETIME),
        },
        sessions_per_user: SESSIONS_PER_USER,
        code: Some(CodeOutcome {
            claim: CodeClaim { code: CodeHash(key(now).as_bytes().repeat(2)), until: Timestamp(now.0 + 5) },
            sealed: Sealed(vec![draft.person; 60]),
            until: Timestamp(now.0 + 10_000),
        }),
    }
}

/// The next key: in chronological order, and the same in each run.
fn key(now: Timestamp) -> Uuid {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // keys of one millisecond have no order
    let mut random = [0; 10];
    TestRng::from_seed(RngAlgorithm::XorShift, &u128::from(count).wrapping_add(1).to_be_bytes())
        .fill_bytes(&mut random);
    uuid::Builder::from_unix_timestamp_millis(now.0.try_into().unwrap(), &random).into_uuid()
}
