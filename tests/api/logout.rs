//! Logging out: of this session, of the others, of all.

use std::time::Duration;

use entity::session::EndReason;
use serde_json::json;

use crate::harness::{ApiResponse, Client, TestApp, TestUser};

/// Logs out with a scope.
async fn logout(client: &Client, scope: &str) -> ApiResponse {
    let query = "mutation($scope: LogoutScope!) { logout(scope: $scope) { endedSessions } }";
    client.graphql(query, json!({ "scope": scope })).await
}

/// The number of ended sessions.
#[track_caller]
fn ended(answer: &ApiResponse) -> u64 {
    answer.data()["logout"]["endedSessions"].as_u64().unwrap()
}

/// Three sessions of Alice, and one of Bob.
async fn log_in_four_sessions(app: &TestApp) -> [TestUser; 4] {
    [app.log_in("alice.1").await, app.log_in("alice.2").await, app.log_in("alice.3").await, app.log_in("bob").await]
}

/// Which sessions are live.
async fn live_sessions(users: &[TestUser; 4]) -> [bool; 4] {
    let mut alive = [true; 4];
    for (user, alive) in users.iter().zip(&mut alive) {
        let me = user.client.me().await;
        *alive = me.body.get("errors").is_none();
        assert!(*alive || me.refusal() == "LOGGED_OUT");
    }
    alive
}

on_each_database! {
    async fn logout_ends_the_session_of_its_token(app: TestApp) {
        let users = log_in_four_sessions(&app).await;
        assert_eq!(ended(&logout(&users[1].client, "CURRENT").await), 1);
        assert_eq!(live_sessions(&users).await, [true, false, true, true]);
        assert_eq!(app.anonymous().refresh(&users[1].refresh_token).await.refusal(), "LOGGED_OUT");
    }

    async fn default_scope_is_the_current_session(app: TestApp) {
        let users = log_in_four_sessions(&app).await;
        assert_eq!(ended(&users[0].client.graphql("mutation { logout { endedSessions } }", json!({})).await), 1);
        assert_eq!(live_sessions(&users).await, [false, true, true, true]);
    }

    async fn others_scope_ends_all_other_sessions_of_the_user(app: TestApp) {
        let users = log_in_four_sessions(&app).await;
        assert_eq!(ended(&logout(&users[1].client, "OTHERS").await), 2);
        assert_eq!(live_sessions(&users).await, [false, true, false, true]);
        assert_eq!(ended(&logout(&users[1].client, "OTHERS").await), 0);
    }

    async fn all_scope_ends_only_the_sessions_of_the_user(app: TestApp) {
        let users = log_in_four_sessions(&app).await;
        assert_eq!(ended(&logout(&users[1].client, "ALL").await), 3);
        assert_eq!(live_sessions(&users).await, [false, false, false, true]);
    }

    async fn ended_sessions_are_not_counted(app: TestApp) {
        let users = log_in_four_sessions(&app).await;
        app.db_end_session(&users[0], EndReason::Revoked).await;
        assert_eq!(ended(&logout(&users[2].client, "ALL").await), 2);
        assert_eq!(users[0].client.me().await.refusal(), "REVOKED");
    }

    async fn second_logout_succeeds(app: TestApp) {
        let alice = app.log_in("alice").await;
        assert_eq!(ended(&logout(&alice.client, "CURRENT").await), 1);
        assert_eq!(ended(&logout(&alice.client, "CURRENT").await), 0);
    }

    async fn second_logout_of_all_sessions_succeeds(app: TestApp) {
        let users = log_in_four_sessions(&app).await;
        assert_eq!(ended(&logout(&users[0].client, "ALL").await), 3);
        assert_eq!(ended(&logout(&users[0].client, "ALL").await), 0);
    }

    async fn expired_token_ends_its_own_session(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.clock.advance(Duration::from_hours(3));
        assert_eq!(alice.client.me().await.refusal(), "EXPIRED");
        assert_eq!(ended(&logout(&alice.client, "CURRENT").await), 1);
        assert_eq!(app.anonymous().refresh(&alice.refresh_token).await.refusal(), "LOGGED_OUT");
    }

    async fn expired_token_ends_no_other_session(app: TestApp) {
        let old = app.log_in("alice.1").await;
        app.clock.advance(Duration::from_hours(3));
        let new = app.log_in("alice.2").await;
        for scope in ["OTHERS", "ALL"] {
            assert_eq!(logout(&old.client, scope).await.refusal(), "EXPIRED");
        }
        new.client.me().await.data();
    }

    async fn ended_session_ends_no_other_session(app: TestApp) {
        let users = log_in_four_sessions(&app).await;
        logout(&users[0].client, "CURRENT").await.data();
        for scope in ["OTHERS", "ALL"] {
            assert_eq!(logout(&users[0].client, scope).await.refusal(), "LOGGED_OUT");
        }
        assert_eq!(live_sessions(&users).await, [false, true, true, true]);
        // a repeat succeeds only for the scope `ALL`, once no session is left
        logout(&users[1].client, "ALL").await.data();
        assert_eq!(logout(&users[0].client, "OTHERS").await.refusal(), "LOGGED_OUT");
        logout(&users[0].client, "ALL").await.data();
    }

    async fn logout_without_a_valid_token_is_refused(app: TestApp) {
        for scope in ["CURRENT", "OTHERS", "ALL"] {
            assert_eq!(logout(&app.anonymous(), scope).await.refusal(), "MISSING");
            assert_eq!(logout(&app.with_token("garbage"), scope).await.refusal(), "INVALID");
        }
    }
}
