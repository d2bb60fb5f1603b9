//! Logging out: this session, the others, all of them.

use std::time::Duration;

use entity::session::EndReason;
use serde_json::json;

use crate::harness::{Answer, Client, LoggedIn, TestApp};

/// A logout of some scope.
async fn logout(client: &Client, scope: &str) -> Answer {
    let query = "mutation($scope: LogoutScope!) { logout(scope: $scope) { endedSessions } }";
    client.graphql(query, json!({ "scope": scope })).await
}

/// How many sessions a logout ended.
#[track_caller]
fn ended(answer: &Answer) -> u64 {
    answer.data()["logout"]["endedSessions"].as_u64().unwrap()
}

/// Alice three times, and Bob.
async fn everybody(app: &TestApp) -> [LoggedIn; 4] {
    [app.log_in("alice.1").await, app.log_in("alice.2").await, app.log_in("alice.3").await, app.log_in("bob").await]
}

/// Whose sessions live.
async fn alive(users: &[LoggedIn; 4]) -> [bool; 4] {
    let mut alive = [true; 4];
    for (user, alive) in users.iter().zip(&mut alive) {
        let me = user.client.me().await;
        *alive = me.body.get("errors").is_none();
        assert!(*alive || me.refusal() == "LOGGED_OUT");
    }
    alive
}

on_each_database! {
    async fn a_logout_ends_the_session_of_its_token(app: TestApp) {
        let users = everybody(&app).await;
        assert_eq!(ended(&logout(&users[1].client, "CURRENT").await), 1);
        assert_eq!(alive(&users).await, [true, false, true, true]);
        assert_eq!(app.anonymous().refresh(&users[1].refresh_token).await.refusal(), "LOGGED_OUT");
    }

    async fn without_a_scope_it_is_this_session(app: TestApp) {
        let users = everybody(&app).await;
        assert_eq!(ended(&users[0].client.graphql("mutation { logout { endedSessions } }", json!({})).await), 1);
        assert_eq!(alive(&users).await, [false, true, true, true]);
    }

    async fn the_others_are_all_of_the_user_but_this_one(app: TestApp) {
        let users = everybody(&app).await;
        assert_eq!(ended(&logout(&users[1].client, "OTHERS").await), 2);
        assert_eq!(alive(&users).await, [false, true, false, true]);
        assert_eq!(ended(&logout(&users[1].client, "OTHERS").await), 0);
    }

    async fn all_are_all_of_the_user_and_of_nobody_else(app: TestApp) {
        let users = everybody(&app).await;
        assert_eq!(ended(&logout(&users[1].client, "ALL").await), 3);
        assert_eq!(alive(&users).await, [false, false, false, true]);
    }

    async fn sessions_that_are_over_are_not_counted(app: TestApp) {
        let users = everybody(&app).await;
        app.db_end_session(&users[0], EndReason::Revoked).await;
        assert_eq!(ended(&logout(&users[2].client, "ALL").await), 2);
        assert_eq!(users[0].client.me().await.refusal(), "REVOKED");
    }

    async fn logging_out_again_is_no_error(app: TestApp) {
        let alice = app.log_in("alice").await;
        assert_eq!(ended(&logout(&alice.client, "CURRENT").await), 1);
        assert_eq!(ended(&logout(&alice.client, "CURRENT").await), 0);
    }

    async fn logging_out_everywhere_again_is_no_error(app: TestApp) {
        let users = everybody(&app).await;
        assert_eq!(ended(&logout(&users[0].client, "ALL").await), 3);
        assert_eq!(ended(&logout(&users[0].client, "ALL").await), 0);
    }

    async fn a_token_that_has_expired_still_ends_its_session(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.clock.advance(Duration::from_hours(3));
        assert_eq!(alice.client.me().await.refusal(), "EXPIRED");
        assert_eq!(ended(&logout(&alice.client, "CURRENT").await), 1);
        assert_eq!(app.anonymous().refresh(&alice.refresh_token).await.refusal(), "LOGGED_OUT");
    }

    async fn a_token_that_has_expired_ends_no_other_session(app: TestApp) {
        let old = app.log_in("alice.1").await;
        app.clock.advance(Duration::from_hours(3));
        let new = app.log_in("alice.2").await;
        for scope in ["OTHERS", "ALL"] {
            assert_eq!(logout(&old.client, scope).await.refusal(), "EXPIRED");
        }
        new.client.me().await.data();
    }

    async fn a_dead_session_ends_no_other_one(app: TestApp) {
        let users = everybody(&app).await;
        logout(&users[0].client, "CURRENT").await.data();
        for scope in ["OTHERS", "ALL"] {
            assert_eq!(logout(&users[0].client, scope).await.refusal(), "LOGGED_OUT");
        }
        assert_eq!(alive(&users).await, [false, true, true, true]);
    }

    async fn without_a_token_of_ours_nobody_is_logged_out(app: TestApp) {
        for scope in ["CURRENT", "OTHERS", "ALL"] {
            assert_eq!(logout(&app.anonymous(), scope).await.refusal(), "MISSING");
            assert_eq!(logout(&app.with_token("garbage"), scope).await.refusal(), "INVALID");
        }
    }
}
