//! WeChat's `session_key`: the newest one and the previous one are stored, sealed.

use std::time::Duration;

use entity::{OpenId, Sealed, identity};
use secrecy::ExposeSecret;

use crate::harness::{Reply, TestApp, wait_until};

const OLD: &str = "b2xkIHNlc3Npb24ga2V5IQ==";
const MIDDLE: &str = "bWlkZGxlIHNlc3Npb24ga2U=";
const NEW: &str = "bmV3IHNlc3Npb24ga2V5ISE=";

on_each_database! {
    async fn first_login_stores_one_key(app: TestApp) {
        log_in(&app, "1", OLD).await;
        assert_eq!(db_keys(&app).await, (OLD.to_owned(), None));
    }

    async fn new_key_is_stored_with_the_previous_one(app: TestApp) {
        log_in(&app, "1", OLD).await;
        log_in(&app, "2", MIDDLE).await;
        assert_eq!(db_keys(&app).await, (MIDDLE.to_owned(), Some(OLD.to_owned())));
        log_in(&app, "3", NEW).await;
        assert_eq!(db_keys(&app).await, (NEW.to_owned(), Some(MIDDLE.to_owned())));
    }

    async fn unchanged_key_does_not_replace_the_previous_one(app: TestApp) {
        log_in(&app, "1", OLD).await;
        for code in ["2", "3", "4"] {
            log_in(&app, code, NEW).await;
            assert_eq!(db_keys(&app).await, (NEW.to_owned(), Some(OLD.to_owned())));
        }
    }

    async fn delayed_login_does_not_overwrite_a_newer_key(app: TestApp) {
        log_in(&app, "1", OLD).await;
        app.wechat.reply("alice.slow", Reply::After(Duration::from_secs(2), Box::new(reply(MIDDLE))));
        let slow = tokio::spawn({
            let app = app.clone();
            async move { app.log_in("alice.slow").await }
        });
        wait_until(|| app.wechat.times_sent("alice.slow") > 0).await;
        log_in(&app, "fast", NEW).await;
        assert!(!slow.is_finished(), "the slow login must finish last");
        slow.await.unwrap().client.me().await.data();
        assert_eq!(db_keys(&app).await, (NEW.to_owned(), Some(OLD.to_owned())));
    }

    async fn stored_keys_are_not_readable(app: TestApp) {
        log_in(&app, "1", OLD).await;
        log_in(&app, "2", NEW).await;
        let identity = db_identity(&app).await;
        for sealed in [&identity.session_key, identity.previous_session_key.as_ref().unwrap()] {
            for key in [OLD, NEW] {
                assert!(!contains(&sealed.0, key.as_bytes()));
            }
        }
        assert_ne!(Some(&identity.session_key), identity.previous_session_key.as_ref());
    }

    async fn key_opens_only_for_its_own_identity(app: TestApp) {
        log_in(&app, "1", OLD).await;
        let identity = db_identity(&app).await;
        for context in [["session_key", "wx1", "o_bob"], ["session_key", "wx2", "o_alice"], ["phone", "wx1", "o_alice"]]
        {
            assert!(app.keys.open(&context, &identity.session_key).is_none());
        }
    }
}

fn reply(session_key: &str) -> Reply {
    Reply::user("o_alice").with("session_key", session_key)
}

/// Logs Alice in a second after the previous login, with this key from WeChat.
async fn log_in(app: &TestApp, code: &str, session_key: &str) {
    app.clock.advance(Duration::from_secs(1));
    let code = format!("alice.{code}");
    app.wechat.reply(&code, reply(session_key));
    app.log_in(&code).await;
}

async fn db_identity(app: &TestApp) -> identity::Model {
    app.store.identity_by_openid("wx1", &OpenId("o_alice".to_owned())).await.unwrap().unwrap().0
}

/// Alice's current and previous keys.
async fn db_keys(app: &TestApp) -> (String, Option<String>) {
    let identity = db_identity(app).await;
    let open = |sealed: &Sealed| {
        let key = app.keys.open(&["session_key", "wx1", "o_alice"], sealed).unwrap();
        String::from_utf8(key.expose_secret().to_vec()).unwrap()
    };
    (open(&identity.session_key), identity.previous_session_key.as_ref().map(open))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
