//! Faults of ours: whatever breaks, the client learns that something did, under which request id, and nothing else.

use serde_json::json;

use super::assert_complete;
use crate::harness::{Answer, LoggedIn, TestApp};

on_each_database! {
    async fn without_its_database_the_server_says_so_and_no_more(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.accounts.store.clone().close().await.unwrap();
        for answer in ask_everything(&app, &alice).await {
            assert_fault(&answer);
        }
        assert!(app.anonymous().graphql("{ serverInfo { version } }", json!({})).await.body.get("errors").is_none());
    }

    async fn without_its_tables_the_server_shows_no_sql(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.accounts.store.unmigrate().await.unwrap();
        for answer in ask_everything(&app, &alice).await {
            assert_fault(&answer);
        }
    }
}

/// Everything that needs the database, each at least once.
async fn ask_everything(app: &TestApp, alice: &LoggedIn) -> Vec<Answer> {
    let LoggedIn { user_id, session_id, .. } = alice;
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
fn assert_fault(answer: &Answer) {
    assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR", "{}", answer.text);
    assert_eq!(answer.message(), "Something went wrong on our side.");
    assert_eq!(answer.error()["requestId"].as_str().unwrap(), answer.headers["x-request-id"]);
    assert_eq!((&answer.error()["action"], &answer.error()["retryAfter"]), (&json!("RETRY"), &json!(1)));
    if answer.body.get("errors").is_some() {
        assert_complete(answer);
    } else {
        assert_eq!(answer.status, 500);
    }
    // the id is random, and may spell any short word
    let text = answer.text.replace(answer.error()["requestId"].as_str().unwrap(), "").to_lowercase();
    for word in ["select", "insert", "update ", "sql", "table", "relation", "pool", "connection", "users.", "closed"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}
