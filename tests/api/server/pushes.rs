//! The emulator pushes events to the server that started it, as WeChat does.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::harness::{Program, ServerProcess, folder};

/// How long a change may take until every request sees it.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

const ME: &str = "{ me { nickname avatarUrl phoneNumber deletesAt } }";

async fn me(server: &ServerProcess, token: &str) -> Value {
    server.graphql(Some(token), ME).await["data"]["me"].clone()
}

/// Logs alice in by an event about her, and makes sure that her first session sees what it changed within a second.
async fn seen(server: &ServerProcess, token: &str, event: &str, is_seen: impl Fn(&Value) -> bool) -> Value {
    let login = server.login(&format!("emulator:push:{event}:alice")).await;
    assert_eq!(login["data"]["login"]["isNewUser"], false, "{event}: {login}");
    let pushed = Instant::now();
    loop {
        let me = me(server, token).await;
        if is_seen(&me) {
            return me;
        }
        assert!(pushed.elapsed() < SEEN_WITHIN, "{event}: {me}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_the_emulator_pushes_are_seen_within_a_second() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let login = server.login("emulator:alice").await;
    let token = login["data"]["login"]["token"].as_str().unwrap();
    let query = "mutation { updateProfile(input: { nickname: \"Alice\", avatarUrl: \"https://media.example/1\" }) {
        userErrors { code } } bindPhoneNumber(code: \"emulator:+8613800138000\") { userErrors { code } } }";
    let answer = server.graphql(Some(token), query).await;
    assert_eq!(answer["data"]["bindPhoneNumber"]["userErrors"], json!([]), "{answer}");
    assert_eq!(me(&server, token).await["phoneNumber"], "+8613800138000");
    let left = seen(&server, token, "revoke.8", |me| me["phoneNumber"].is_null()).await;
    assert_eq!((&left["nickname"], &left["avatarUrl"]), (&json!("Alice"), &json!("https://media.example/1")));
    let left = seen(&server, token, "modified", |me| me["nickname"].is_null()).await;
    assert_eq!((&left["avatarUrl"], &left["deletesAt"]), (&Value::Null, &Value::Null));
    seen(&server, token, "cancel", |me| me["deletesAt"].is_string()).await;
}
