//! The emulator pushes events to the server that started it, as WeChat does.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::harness::{Program, ServerProcess, folder};

/// The limit until a change is visible to every request.
const BOUND: Duration = Duration::from_secs(1);

const ME: &str = "{ me { nickname avatarUrl phoneNumber deletesAt } }";

async fn me(server: &ServerProcess, token: &str) -> Value {
    server.graphql(Some(token), ME).await["data"]["me"].clone()
}

/// Logs Alice in with a code that pushes an event, and asserts that its effect is visible to her session within a
/// second.
async fn wait_until_visible(
    server: &ServerProcess,
    token: &str,
    event: &str,
    is_visible: impl Fn(&Value) -> bool,
) -> Value {
    let login = server.login(&format!("emulator:push:{event}:alice")).await;
    assert_eq!(login["data"]["login"]["isNewUser"], false, "{event}: {login}");
    let pushed = Instant::now();
    loop {
        let began = pushed.elapsed();
        let me = me(server, token).await;
        if is_visible(&me) {
            return me;
        }
        assert!(began < BOUND, "{event}: {me}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_pushed_by_the_emulator_are_visible_within_a_second() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let login = server.login("emulator:alice").await;
    let token = login["data"]["login"]["token"].as_str().unwrap();
    let query = "mutation { updateProfile(input: { nickname: \"Alice\", avatarUrl: \"https://media.example/1\" }) {
        userErrors { code } } bindPhoneNumber(code: \"emulator:+8613800138000\") { userErrors { code } } }";
    let answer = server.graphql(Some(token), query).await;
    assert_eq!(answer["data"]["bindPhoneNumber"]["userErrors"], json!([]), "{answer}");
    assert_eq!(me(&server, token).await["phoneNumber"], "+8613800138000");
    let profile = wait_until_visible(&server, token, "revoke.8", |me| me["phoneNumber"].is_null()).await;
    assert_eq!((&profile["nickname"], &profile["avatarUrl"]), (&json!("Alice"), &json!("https://media.example/1")));
    let profile = wait_until_visible(&server, token, "modified", |me| me["nickname"].is_null()).await;
    assert_eq!((&profile["avatarUrl"], &profile["deletesAt"]), (&Value::Null, &Value::Null));
    wait_until_visible(&server, token, "cancel", |me| me["deletesAt"].is_string()).await;
}
