//! Internal errors: the client receives a fixed message and the request id, and no details.

use serde_json::json;

use super::assert_complete;
use crate::harness::{ApiResponse, TestApp, TestUser};

on_each_database! {
    async fn missing_database_is_reported_without_details(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.store.clone().close().await.unwrap();
        for answer in send_all_requests(&app, &alice).await {
            assert_fault(&answer);
        }
        assert!(app.anonymous().graphql("{ serverInfo { version } }", json!({})).await.body.get("errors").is_none());
    }

    async fn missing_tables_are_reported_without_sql(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.store.unmigrate().await.unwrap();
        for answer in send_all_requests(&app, &alice).await {
            assert_fault(&answer);
        }
    }
}

/// Sends every kind of request that needs the database.
async fn send_all_requests(app: &TestApp, alice: &TestUser) -> Vec<ApiResponse> {
    let TestUser { user_id, session_id, .. } = alice;
    let mut answers = vec![
        app.anonymous().login("bob").await,
        app.anonymous().post("/api/login", &json!({ "code": "carol" })).await,
        app.anonymous().refresh(&alice.refresh_token).await,
    ];
    for query in [
        "{ me { id nickname } }".to_owned(),
        "{ me { sessions { totalCount } identities { id } } }".to_owned(),
        format!("{{ user(id: \"{user_id}\") {{ id }} }}"),
        format!("{{ users(ids: [\"{user_id}\"]) {{ id }} }}"),
        format!("{{ node(id: \"{session_id}\") {{ id }} }}"),
        "mutation { logout { __typename } }".to_owned(),
        "mutation { logout(scope: OTHERS) { __typename } }".to_owned(),
        "mutation { logout(scope: ALL) { __typename } }".to_owned(),
        format!("mutation {{ revokeSession(sessionId: \"{session_id}\") {{ __typename }} }}"),
    ] {
        answers.push(alice.client.graphql(&query, json!({})).await);
    }
    answers
}

#[track_caller]
fn assert_fault(answer: &ApiResponse) {
    assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR", "{}", answer.text);
    assert_eq!(answer.message(), "Something went wrong on our side.");
    assert_eq!(answer.error()["requestId"].as_str().unwrap(), answer.headers["x-request-id"]);
    assert_eq!((&answer.error()["action"], &answer.error()["retryAfter"]), (&json!("RETRY"), &json!(1)));
    if answer.body.get("errors").is_some() {
        assert_complete(answer);
    } else {
        assert_eq!(answer.status, 500);
    }
    // the random id may contain any short word
    let text = answer.text.replace(answer.error()["requestId"].as_str().unwrap(), "").to_lowercase();
    for word in ["select", "insert", "update ", "sql", "table", "relation", "pool", "connection", "users.", "closed"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}
