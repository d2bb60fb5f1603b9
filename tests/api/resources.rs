//! The resources that clients can make the server hold are limited, in total and for each client.

mod http2;
mod listeners;
mod memory;
mod silent;

use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::harness::{Program, Reply, ServerProcess, folder, wait_until};

/// The limit of all waiting in these tests.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Trusts this machine as a proxy, so that a test can act as many clients.
const BEHIND_PROXY: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.0/8");

/// Starts the program with a settings file, for many clients.
async fn serve(settings: &str) -> (TempDir, ServerProcess) {
    serve_limited(settings, None).await
}

/// The same with a limit of open files.
async fn serve_limited(settings: &str, files: Option<u32>) -> (TempDir, ServerProcess) {
    let folder = folder();
    std::fs::write(folder.path().join("miniaccount.toml"), settings).unwrap();
    let program = match files {
        Some(files) => Program::with_files(folder.path(), files),
        None => Program::new(folder.path(), &[]),
    };
    let program = program.set(BEHIND_PROXY.0, BEHIND_PROXY.1).set("EMULATOR", "true");
    (folder, spawn_blocking(move || program.serve()).await.unwrap())
}

/// The address of a client.
fn client(n: usize) -> String {
    format!("203.0.113.{n}")
}

/// A request of a client.
struct TestRequest {
    path: String,
    token: String,
}

impl TestRequest {
    /// A request without a token, with a short response.
    fn short() -> Self {
        Self { path: "/graphql?query=%7BserverInfo%7Bversion%7D%7D".to_owned(), token: String::new() }
    }

    /// A request with a response of 400 KB: a hundred users with long avatar addresses.
    async fn long(server: &ServerProcess) -> Self {
        let login = server.login("emulator:alice").await["data"]["login"].clone();
        let (token, id) = (login["token"].as_str().unwrap(), login["user"]["id"].as_str().unwrap());
        let url = format!("https://a.example/{}", "x".repeat(490));
        let set = format!("mutation {{ updateProfile(input: {{ avatarUrl: {url:?} }}) {{ userErrors {{ code }} }} }}");
        assert!(server.graphql(Some(token), &set).await["errors"].is_null());
        let fields = (0..8).map(|n| format!("a{n}:avatarUrl")).collect::<Vec<_>>().join(" ");
        let query = format!("{{users(ids:{:?}){{{fields}}}}}", vec![id; 100]);
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        Self { path: format!("/graphql?query={query}"), token: token.to_owned() }
    }

    /// The code of the error that a client receives, or a text if the connection ends without a response. `None` for a
    /// successful response.
    async fn refusal(&self, server: &ServerProcess, client: &str) -> Option<String> {
        let request = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let request = request.get(format!("{}{}", server.api, self.path)).bearer_auth(&self.token);
        let Ok(answer) = request.header("x-forwarded-for", client).send().await else { return Some("CUT".to_owned()) };
        let answer = answer.text().await.unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer.pointer("/errors/0/extensions/code").map(|code| code.as_str().unwrap().to_owned())
    }
}

on_any_database! {
    async fn one_client_can_use_half_of_the_requests_in_flight(
        app: TestApp,
        [BEHIND_PROXY, ("FILE", "requests_in_flight = 8\nwechat_timeout = \"15s\"")]
    ) {
        for n in 0..4 {
            app.wechat.reply(&format!("user{n}"), Reply::Hang);
        }
        let log_in = |n: usize| {
            let caller = app.anonymous().header("x-forwarded-for", client(1));
            tokio::spawn(async move { caller.login(&format!("user{n}")).await })
        };
        let slow: Vec<_> = (0..4).map(log_in).collect();
        wait_until(|| app.wechat.sent().len() == 4).await;
        let send_query = async |n| {
            let caller = app.anonymous().header("x-forwarded-for", client(n));
            caller.graphql("{ serverInfo { version } }", json!({})).await
        };
        let refused = send_query(1).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (503, "OVERLOADED"));
        send_query(2).await.data();
        slow.iter().for_each(tokio::task::JoinHandle::abort);
        wait_until(|| slow.iter().all(tokio::task::JoinHandle::is_finished)).await;
        send_query(1).await.data();
    }

    async fn response_that_is_too_long_becomes_an_error(app: TestApp) {
        let alice = app.log_in("alice").await;
        let long = format!("https://a.example/{}", "x".repeat(490));
        let set = "mutation($url: String) { updateProfile(input: { avatarUrl: $url }) { userErrors { code } } }";
        alice.client.graphql(set, json!({ "url": long })).await.data();
        let ids = vec![&alice.user_id; 100];
        let send_query = async |times: usize| {
            let fields = (0..times).map(|n| format!("a{n}: avatarUrl")).collect::<Vec<_>>().join(" ");
            let query = format!("query($ids: [ID!]!) {{ users(ids: $ids) {{ {fields} }} }}");
            alice.client.graphql(&query, json!({ "ids": ids })).await
        };
        assert!(send_query(8).await.text.len() > 400 * 1024);
        let refused = send_query(12).await;
        assert_eq!((refused.code(), refused.body.get("data")), ("QUERY_TOO_EXPENSIVE", Some(&json!(null))));
        assert!(refused.message().contains("524288 bytes"), "{}", refused.text);
    }
}
