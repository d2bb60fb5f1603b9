//! `me`: the user of a token, and every reason for which a token is refused.

use std::time::Duration;

use entity::session::EndReason;
use miniaccount::{
    clock::Clock,
    token::{Claims, KeyRing},
};
use secrecy::SecretSlice;
use serde_json::{Value, json};

use crate::harness::{ApiResponse, TestApp, TestUser, user_key};

const SECOND: Duration = Duration::from_secs(1);

/// The fields of a user that `DirectQuery` writes.
const EVERY_VALUE: &str =
    "__typename id nickname avatarUrl createdAt locale phoneNumber status role lastLoginAt updatedAt";

/// The server's response to an `Authorization` header.
async fn authorized(app: &TestApp, authorization: &str) -> ApiResponse {
    app.anonymous().header("authorization", authorization).me().await
}

/// The claims of a token.
fn claims(app: &TestApp, user: &TestUser) -> Claims {
    app.keys.read_access_token(&user.token).unwrap()
}

/// The token's claims, signed by another key.
fn signed_by_another_key(app: &TestApp, user: &TestUser) -> String {
    let keys = KeyRing::new(&[SecretSlice::from(vec![9; 32])]).unwrap();
    keys.access_token(&claims(app, user)).unwrap()
}

on_each_database! {
    async fn me_is_the_user_who_logged_in(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        assert_eq!(alice.client.me().await.data()["me"]["id"], json!(alice.user_id));
        assert_eq!(bob.client.me().await.data()["me"]["id"], json!(bob.user_id));
    }

    async fn direct_query_and_resolvers_give_the_same_values(app: TestApp) {
        let alice = app.log_in("alice").await;
        let update =
            "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { message } } }";
        let input =
            json!({ "nickname": "Zoë \"Z\" 小明", "locale": "zh-CN", "avatarUrl": "https://a.example/?q=1&z=%22" });
        for profile in [json!({}), input] {
            let updated = alice.client.graphql(update, json!({ "input": profile })).await;
            assert_eq!(updated.data()["updateProfile"]["userErrors"], json!([]));
            for fields in [EVERY_VALUE, "one: nickname two: nickname id", "status"] {
                // a document with a fragment always goes through the resolvers
                let resolved = format!("query {{ you: me {{ ...F }} }} fragment F on User {{ {fields} }}");
                let resolved = alice.client.graphql(&resolved, json!({})).await;
                // and so does any document the first time
                for _ in 0..3 {
                    let direct = alice.client.graphql(&format!("{{ you: me {{ {fields} }} }}"), json!({})).await;
                    assert_eq!((direct.status, &direct.text), (resolved.status, &resolved.text));
                    assert!(direct.headers.keys().eq(resolved.headers.keys()));
                }
            }
        }
        let direct = format!("{{ you: me {{ {EVERY_VALUE} }} }}");
        assert_eq!(app.anonymous().graphql(&direct, json!({})).await.refusal(), "MISSING");
        app.clock.advance(Duration::from_hours(3));
        assert_eq!(alice.client.graphql(&direct, json!({})).await.refusal(), "EXPIRED");
    }

    async fn missing_token_is_refused(app: TestApp) {
        assert_eq!(app.anonymous().me().await.refusal(), "MISSING");
    }

    async fn malformed_token_is_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        let (unsigned, signature) = alice.token.rsplit_once('.').unwrap();
        let bad = ["garbage", "a.b.c", "..", unsigned, signature, &alice.refresh_token, &"x".repeat(5000)];
        for token in bad {
            assert_eq!(app.with_token(token).me().await.refusal(), "INVALID", "{token}");
        }
        for changed in [format!("{}x", alice.token), alice.token[1..].to_owned(), format!("{unsigned}.")] {
            assert_eq!(app.with_token(&changed).me().await.refusal(), "INVALID", "{changed}");
        }
    }

    async fn token_signed_by_another_key_is_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        let forged = signed_by_another_key(&app, &alice);
        assert_eq!(app.with_token(&forged).me().await.refusal(), "INVALID");
        // the header and claims of the server, with the other signature
        let unsigned = alice.token.rsplit_once('.').unwrap().0;
        let signature = forged.rsplit_once('.').unwrap().1;
        assert_eq!(app.with_token(&format!("{unsigned}.{signature}")).me().await.refusal(), "INVALID");
    }

    async fn token_with_another_users_session_is_refused(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let mixed = Claims { user: user_key(&bob), ..claims(&app, &alice) };
        let token = app.keys.access_token(&mixed).unwrap();
        assert_eq!(app.with_token(&token).me().await.refusal(), "INVALID");
    }

    async fn token_is_valid_for_two_hours(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.clock.advance(Duration::from_secs(2 * 60 * 60 - 1));
        alice.client.me().await.data();
        app.clock.advance(SECOND);
        assert_eq!(alice.client.me().await.refusal(), "EXPIRED");
    }

    async fn token_of_an_ended_session_is_refused_with_the_reason(app: TestApp) {
        let reasons = [
            (EndReason::LoggedOut, "LOGGED_OUT"),
            (EndReason::Revoked, "REVOKED"),
            (EndReason::Reused, "REUSED"),
            (EndReason::Replaced, "REPLACED"),
            (EndReason::Evicted, "EVICTED"),
            (EndReason::Suspended, "SUSPENDED"),
        ];
        for (reason, expected) in reasons {
            let alice = app.log_in(&format!("alice.{expected}")).await;
            app.db_end_session(&alice, reason).await;
            assert_eq!(alice.client.me().await.refusal(), expected);
        }
    }

    async fn valid_token_of_an_expired_session_is_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.db_expire_session(&alice, app.clock.now() + SECOND).await;
        alice.client.me().await.data();
        app.clock.advance(SECOND);
        assert_eq!(alice.client.me().await.refusal(), "EXPIRED");
    }

    async fn token_of_a_deleted_session_is_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.db_delete_session(&alice).await;
        assert_eq!(alice.client.me().await.refusal(), "REVOKED");
    }

    async fn suspended_user_is_refused_and_cannot_log_in(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        app.db_suspend(&alice).await;
        let answer = alice.client.me().await;
        assert_eq!((answer.code(), &answer.error()["action"]), ("ACCOUNT_SUSPENDED", &json!("GIVE_UP")));
        assert_eq!(answer.body["data"], json!({ "me": null }));
        assert_eq!(app.anonymous().login("alice.2").await.code(), "ACCOUNT_SUSPENDED");
        bob.client.me().await.data();
    }

    async fn fields_next_to_me_are_answered_without_a_token(app: TestApp) {
        let answer = app.anonymous().graphql("{ me { id } serverInfo { version } }", json!({})).await;
        assert_eq!(answer.refusal(), "MISSING");
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1);
        assert_eq!(answer.body["errors"][0]["path"], json!(["me"]));
        assert_eq!(answer.body["data"]["me"], Value::Null);
        assert_eq!(answer.body["data"]["serverInfo"]["version"], json!(env!("CARGO_PKG_VERSION")));
    }

    async fn authorization_scheme_is_case_insensitive(app: TestApp) {
        let token = app.log_in("alice").await.token;
        for authorization in ["Bearer", "bearer", "BEARER", "Bearer "] {
            authorized(&app, &format!("{authorization} {token}")).await.data();
        }
    }

    async fn malformed_authorization_is_refused(app: TestApp) {
        let token = app.log_in("alice").await.token;
        for missing in ["", " ", "Bearer", "Bearer ", &token, &format!("Basic {token}"), &format!("Bearer:{token}")] {
            assert_eq!(authorized(&app, missing).await.refusal(), "MISSING", "{missing}");
        }
        for bad in [&format!("Bearer {token} {token}"), &format!("Bearer Bearer {token}")] {
            assert_eq!(authorized(&app, bad).await.refusal(), "INVALID", "{bad}");
        }
    }

    async fn error_has_the_request_id(app: TestApp) {
        let (first, second) = (app.anonymous().me().await, app.anonymous().me().await);
        for answer in [&first, &second] {
            assert_eq!(answer.error()["requestId"], json!(answer.headers["x-request-id"].to_str().unwrap()));
        }
        assert_ne!(first.error()["requestId"], second.error()["requestId"]);
    }

    async fn use_of_a_session_is_recorded_once_a_minute(app: TestApp) {
        let alice = app.log_in("alice").await;
        let logged_in = app.clock.now();
        app.clock.advance(59 * SECOND);
        alice.client.me().await.data();
        app.accounts.flush_last_used().await.unwrap();
        assert_eq!(app.db_session(&alice).await.last_used_at, logged_in);
        app.clock.advance(SECOND);
        alice.client.me().await.data();
        app.accounts.flush_last_used().await.unwrap();
        assert_eq!(app.db_session(&alice).await.last_used_at, logged_in + 60 * SECOND);
        app.clock.advance(59 * SECOND);
        alice.client.me().await.data();
        app.accounts.flush_last_used().await.unwrap();
        assert_eq!(app.db_session(&alice).await.last_used_at, logged_in + 60 * SECOND);
    }
}
