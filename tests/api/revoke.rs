//! Revoking a session from another one: only the user's own, and without revealing those of others.

use std::time::Duration;

use entity::{SessionId, UserId, user::Role};
use miniaccount::global_id::GlobalId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{ApiResponse, TestUser, session_key};

/// Ends a session by its id.
async fn revoke(user: &TestUser, id: &str) -> ApiResponse {
    let query = "mutation($id: ID!) { revokeSession(sessionId: $id) {
        session { id isCurrent } userErrors { message code field } } }";
    user.client.graphql(query, json!({ "id": id })).await
}

/// The revoked session of a response without user errors.
#[track_caller]
fn revoked(answer: &ApiResponse) -> &Value {
    let payload = &answer.data()["revokeSession"];
    assert_eq!(payload["userErrors"], json!([]));
    &payload["session"]
}

#[track_caller]
fn assert_not_found(answer: &ApiResponse) {
    let payload = &answer.data()["revokeSession"];
    assert_eq!(payload["session"], Value::Null);
    assert_eq!(payload["userErrors"].as_array().unwrap().len(), 1);
    let error = &payload["userErrors"][0];
    assert_eq!((&error["code"], &error["field"]), (&json!("NOT_FOUND"), &json!(["sessionId"])));
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
}

on_each_database! {
    async fn user_revokes_their_own_session(app: TestApp) {
        let (phone, tablet) = (app.log_in("alice.1").await, app.log_in("alice.2").await);
        let answer = revoke(&phone, &tablet.session_id).await;
        assert_eq!(revoked(&answer), &json!({ "id": tablet.session_id, "isCurrent": false }));
        assert_eq!(tablet.client.me().await.refusal(), "REVOKED");
        assert_eq!(app.anonymous().refresh(&tablet.refresh_token).await.refusal(), "REVOKED");
        phone.client.me().await.data();
    }

    async fn current_session_can_be_revoked(app: TestApp) {
        let alice = app.log_in("alice").await;
        let answer = revoke(&alice, &alice.session_id).await;
        assert_eq!(revoked(&answer), &json!({ "id": alice.session_id, "isCurrent": true }));
        assert_eq!(alice.client.me().await.refusal(), "REVOKED");
    }

    async fn session_of_another_user_is_not_found_and_stays_live(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        assert_not_found(&revoke(&alice, &bob.session_id).await);
        bob.client.me().await.data();
    }

    async fn administrator_cannot_revoke_sessions_of_others(app: TestApp) {
        let (admin, bob) = (app.log_in("admin").await, app.log_in("bob").await);
        app.db_set_role(&admin, Role::Admin).await;
        assert_not_found(&revoke(&admin, &bob.session_id).await);
        bob.client.me().await.data();
    }

    async fn id_of_no_session_is_not_found(app: TestApp) {
        let alice = app.log_in("alice").await;
        let of_a_user = GlobalId::User(UserId(session_key(&alice).0)).encode();
        let unknown = GlobalId::Session(SessionId(Uuid::from_u128(7))).encode();
        let padded = format!("{}=", alice.session_id);
        for id in ["", "garbage", &"x".repeat(5000), "会话", &alice.user_id, &of_a_user, &unknown, &padded] {
            assert_not_found(&revoke(&alice, id).await);
        }
        alice.client.me().await.data();
    }

    async fn ended_session_is_not_found_and_keeps_its_reason(app: TestApp) {
        let (phone, tablet) = (app.log_in("alice.1").await, app.log_in("alice.2").await);
        tablet.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        assert_not_found(&revoke(&phone, &tablet.session_id).await);
        assert_eq!(tablet.client.me().await.refusal(), "LOGGED_OUT");
    }

    async fn expired_session_is_not_found(app: TestApp) {
        let old = app.log_in("alice.1").await;
        app.clock.advance(Duration::from_hours(24 * 30));
        let new = app.log_in("alice.2").await;
        assert_not_found(&revoke(&new, &old.session_id).await);
    }

    async fn caller_without_a_session_is_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        let query = "mutation($id: ID!) { revokeSession(sessionId: $id) { session { id } } }";
        let answer = app.anonymous().graphql(query, json!({ "id": alice.session_id })).await;
        assert_eq!(answer.refusal(), "MISSING");
        alice.client.me().await.data();
    }
}
