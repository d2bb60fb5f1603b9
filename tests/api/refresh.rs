//! Refresh tokens: they extend a session, and the reuse of a copied one ends it.

mod lost;
mod stolen;

use std::{collections::HashSet, time::Duration};

use entity::{Timestamp, session::EndReason};
use miniaccount::{
    clock::Clock,
    graphql::DateTime,
    token::{KeyRing, RefreshToken},
};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Value, json};

use crate::harness::{TestApp, TestUser, session_key};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// A successful refresh; returns its payload.
async fn refreshed(app: &TestApp, token: &str) -> Value {
    app.anonymous().refresh(token).await.data()["refreshSession"].clone()
}

/// A successful refresh; returns the next refresh token.
async fn successor(app: &TestApp, token: &str) -> String {
    text(&refreshed(app, token).await["refreshToken"])
}

/// A refused refresh; returns the reason.
async fn refusal(app: &TestApp, token: &str) -> String {
    app.anonymous().refresh(token).await.refusal().to_owned()
}

/// A refresh token of the user's session, of any generation and signed by any key ring.
fn signed(keys: &KeyRing, user: &TestUser, generation: i64) -> String {
    keys.refresh_token(RefreshToken { session: session_key(user), generation }).expose_secret().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn timestamp(at: Timestamp) -> Value {
    DateTime(at).to_text().into()
}

on_each_database! {
    async fn refresh_returns_a_valid_pair_of_tokens(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.clock.advance(DAY);
        assert_eq!(alice.client.me().await.refusal(), "EXPIRED");
        let payload = refreshed(&app, &alice.refresh_token).await;
        assert_eq!(payload["user"]["id"], json!(alice.user_id));
        assert_eq!(payload["session"]["id"], json!(alice.session_id));
        assert_eq!(payload["expiresAt"], timestamp(app.clock.now() + 2 * HOUR));
        assert_ne!(payload["refreshToken"], json!(alice.refresh_token));
        let me = app.with_token(&text(&payload["token"])).me().await;
        assert_eq!(me.data()["me"]["id"], json!(alice.user_id));
        successor(&app, &text(&payload["refreshToken"])).await;
    }

    async fn refresh_extends_the_session_to_thirty_days(app: TestApp) {
        let alice = app.log_in("alice").await;
        assert_eq!(alice.login["refreshExpiresAt"], timestamp(app.clock.now() + 30 * DAY));
        app.clock.advance(10 * DAY);
        let payload = refreshed(&app, &alice.refresh_token).await;
        assert_eq!(payload["refreshExpiresAt"], timestamp(app.clock.now() + 30 * DAY));
        assert_eq!(payload["session"]["expiresAt"], payload["refreshExpiresAt"]);
        assert_eq!(timestamp(app.db_session(&alice).await.expires_at), payload["refreshExpiresAt"]);
    }

    async fn expired_access_token_does_not_prevent_a_refresh(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.clock.advance(DAY);
        alice.client.refresh(&alice.refresh_token).await.data();
    }

    async fn concurrent_refreshes_share_one_successor(app: TestApp) {
        let alice = app.log_in("alice").await;
        let racers: Vec<_> = (0..50)
            .map(|_| {
                let (app, token) = (app.clone(), alice.refresh_token.clone());
                tokio::spawn(async move { refreshed(&app, &token).await })
            })
            .collect();
        let mut successors = HashSet::new();
        for racer in racers {
            let payload = racer.await.unwrap();
            successors.insert(text(&payload["refreshToken"]));
            app.with_token(&text(&payload["token"])).me().await.data();
        }
        assert_eq!(successors.len(), 1);
        assert_eq!(app.db_session(&alice).await.refresh_generation, 1);
    }

    async fn late_refresh_does_not_move_the_session_back(app: TestApp) {
        let alice = app.log_in("alice").await;
        let as_it_was = app.db_session(&alice).await;
        let newest = successor(&app, &successor(&app, &alice.refresh_token).await).await;
        let now = app.clock.now();
        assert!(!app.store.session_advance(&as_it_was, now + DAY, now).await.unwrap());
        assert_eq!(app.db_session(&alice).await.refresh_generation, 2);
        successor(&app, &newest).await;
    }

    async fn client_that_lost_the_response_can_repeat_the_refresh(app: TestApp) {
        let alice = app.log_in("alice").await;
        let first = successor(&app, &alice.refresh_token).await;
        app.clock.advance(DAY);
        let again = refreshed(&app, &alice.refresh_token).await;
        assert_eq!(again["refreshToken"], json!(first));
        app.with_token(&text(&again["token"])).me().await.data();
        assert_eq!(app.db_session(&alice).await.refresh_generation, 1);
        successor(&app, &first).await;
    }

    async fn reuse_after_the_successor_was_used_ends_the_session(app: TestApp) {
        let (alice, elsewhere) = (app.log_in("alice.1").await, app.log_in("alice.2").await);
        let second = successor(&app, &alice.refresh_token).await;
        let newest = refreshed(&app, &second).await;
        assert_eq!(refusal(&app, &alice.refresh_token).await, "REUSED");

        assert_eq!(app.with_token(&text(&newest["token"])).me().await.refusal(), "REUSED");
        assert_eq!(alice.client.me().await.refusal(), "REUSED");
        for token in [&text(&newest["refreshToken"]), &second, &alice.refresh_token] {
            assert_eq!(refusal(&app, token).await, "REUSED");
        }
        assert_eq!(app.db_session(&alice).await.end_reason, Some(EndReason::Reused));
        elsewhere.client.me().await.data();
    }

    async fn reuse_of_a_much_older_token_ends_the_session(app: TestApp) {
        let alice = app.log_in("alice").await;
        let mut newest = alice.refresh_token.clone();
        for _ in 0..5 {
            newest = successor(&app, &newest).await;
        }
        assert_eq!(refusal(&app, &alice.refresh_token).await, "REUSED");
        assert_eq!(refusal(&app, &newest).await, "REUSED");
    }

    async fn foreign_token_is_refused_and_ends_nothing(app: TestApp) {
        let alice = app.log_in("alice").await;
        let token = &alice.refresh_token;
        let stranger = KeyRing::new(&[SecretSlice::from(vec![9; 32])]).unwrap();
        let bad = [
            String::new(),
            "garbage".to_owned(),
            "x".repeat(5000),
            "票".repeat(30),
            token[..token.len() - 1].to_owned(),
            token[1..].to_owned(),
            format!("{token}A"),
            format!(" {token}"),
            alice.token.clone(),
            signed(&stranger, &alice, 0),
        ];
        for token in bad {
            assert_eq!(refusal(&app, &token).await, "INVALID", "{token}");
        }
        successor(&app, token).await;
    }

    // as after the database was restored from a backup
    async fn token_of_a_later_generation_is_refused_and_ends_nothing(app: TestApp) {
        let alice = app.log_in("alice").await;
        assert_eq!(refusal(&app, &signed(&app.keys, &alice, 1)).await, "INVALID");
        alice.client.me().await.data();
        successor(&app, &alice.refresh_token).await;
    }

    async fn session_expires_after_thirty_idle_days(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        app.clock.advance(Duration::from_millis(30 * 24 * 60 * 60 * 1000 - 1));
        successor(&app, &bob.refresh_token).await;
        app.clock.advance(Duration::from_millis(1));
        assert_eq!(refusal(&app, &alice.refresh_token).await, "EXPIRED");
    }

    async fn session_ends_after_180_days_despite_refreshes(app: TestApp) {
        let alice = app.log_in("alice").await;
        let end = app.clock.now() + 180 * DAY;
        let mut token = alice.refresh_token.clone();
        for _ in 0..8 {
            app.clock.advance(20 * DAY);
            let payload = refreshed(&app, &token).await;
            assert_eq!(payload["refreshExpiresAt"], timestamp(end.min(app.clock.now() + 30 * DAY)));
            token = text(&payload["refreshToken"]);
        }
        app.clock.advance(20 * DAY);
        assert_eq!(refusal(&app, &token).await, "EXPIRED");
        assert_eq!(app.db_session(&alice).await.expires_at, end);
    }

    async fn access_token_does_not_outlive_its_session(
        app: TestApp,
        [("REFRESH_TOKEN_TTL", "3h"), ("SESSION_MAX_AGE", "4h")]
    ) {
        let alice = app.log_in("alice").await;
        assert_eq!(alice.login["expiresAt"], timestamp(app.clock.now() + 2 * HOUR));
        app.clock.advance(2 * HOUR + HOUR / 2);
        let payload = refreshed(&app, &alice.refresh_token).await;
        assert_eq!(payload["refreshExpiresAt"], timestamp(app.clock.now() + HOUR + HOUR / 2));
        assert_eq!(payload["expiresAt"], payload["refreshExpiresAt"]);
        app.clock.advance(HOUR + HOUR / 2);
        assert_eq!(app.with_token(&text(&payload["token"])).me().await.refusal(), "EXPIRED");
    }

    async fn ended_session_is_not_refreshed(app: TestApp) {
        let alice = app.log_in("alice").await;
        alice.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        assert_eq!(refusal(&app, &alice.refresh_token).await, "LOGGED_OUT");
        assert_eq!(app.db_session(&alice).await.refresh_generation, 0);
    }

    async fn removed_session_is_not_refreshed(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.db_delete_session(&alice).await;
        assert_eq!(refusal(&app, &alice.refresh_token).await, "REVOKED");
    }

    async fn suspended_user_cannot_refresh(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.db_suspend(&alice).await;
        assert_eq!(app.anonymous().refresh(&alice.refresh_token).await.code(), "ACCOUNT_SUSPENDED");
        assert_eq!(app.db_session(&alice).await.refresh_generation, 0);
    }
}
