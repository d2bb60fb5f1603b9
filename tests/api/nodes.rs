//! Three real servers with one PostgreSQL and one Redis behave as one server.

use std::{
    net::Ipv6Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::header;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::harness::{
    BOUND, DatabaseKind, Program, ServerProcess, TestDatabase, TestRedis, folder, random_address, run_on_empty,
};

const LOGIN: &str = "mutation { login(code: \"emulator:alice\") { token refreshToken user { id } session { id } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_behave_as_one_server() {
    let Some(redis) = TestRedis::find() else { return };
    run_on_empty(DatabaseKind::Postgres, async move |database: Arc<TestDatabase>| {
        database.store().await.migrate().await.unwrap();
        let folder = folder();
        let nodes = [(); 3].map(|()| start(&folder, &database, &redis));
        let [first, second, third] = nodes.each_ref().map(|node| node.api.clone());
        let address = random_address();

        let login = send_query(&first, None, &address, LOGIN).await["data"]["login"].clone();
        let token = login["token"].as_str().unwrap();
        let me = send_query(&second, Some(token), &address, "{ me { id } }").await;
        assert_eq!(me["data"]["me"]["id"], login["user"]["id"]);
        let logout = send_query(&third, Some(token), &address, "mutation { logout { endedSessions } }").await;
        assert_eq!(logout["data"]["logout"]["endedSessions"], 1);
        for node in [&first, &second, &third] {
            assert_refused_in_time(node, token, &address).await;
        }

        // the three nodes share the limit of two logins, and another client has its own
        send_query(&second, None, &address, LOGIN).await["data"]["login"]["token"].as_str().unwrap();
        let limited = send_query(&third, None, &address, LOGIN).await;
        assert_eq!(limited["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{limited}");
        send_query(&third, None, &random_address(), LOGIN).await["data"]["login"]["token"].as_str().unwrap();
    })
    .await;
}

fn start(folder: &TempDir, database: &TestDatabase, redis: &TestRedis) -> ServerProcess {
    Program::new(folder.path(), &[])
        .set("DATABASE_URL", database.url.expose_secret())
        .set("EMULATOR", "true")
        .set("REDIS_URL", &redis.url)
        .set("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .set("TRUSTED_PROXIES", "127.0.0.0/8")
        .set("LOGIN_RATE_LIMIT", "2/min")
        .serve()
}

/// Sends a request of a client with an address.
async fn send_query(node: &str, token: Option<&str>, address: &Ipv6Addr, query: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let mut request = client
        .post(format!("{node}/graphql"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-forwarded-for", address.to_string())
        .body(json!({ "query": query }).to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

/// Waits for the refusal, and fails if it comes too late.
async fn assert_refused_in_time(node: &str, token: &str, address: &Ipv6Addr) {
    let ended = Instant::now();
    loop {
        let began = ended.elapsed();
        let answer = send_query(node, Some(token), address, "{ me { id } }").await;
        if answer["errors"][0]["extensions"]["reason"] == "LOGGED_OUT" {
            return;
        }
        assert!(began < BOUND, "{answer}");
        sleep(Duration::from_millis(10)).await;
    }
}
