//! More concurrent requests than the server accepts.

use std::time::{Duration, Instant};

use axum::http::header;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{PATHS, answer, connect, post, request, serve};

/// How long the two logins below may take to reach the server.
const ARRIVAL: Duration = Duration::from_secs(9);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_beyond_the_limit_is_refused_and_its_retry_is_served() {
    let (_folder, server) = serve("requests_in_flight = 2\nwechat_timeout = \"15s\"\n").await;
    let log_in = |name| server.spawn_login(&format!("emulator:slow:10000:{name}"));
    let mut slow = ["alice", "bob"].map(|name| (name, log_in(name)));
    let began = Instant::now();
    while answer(post(&server, "/graphql")).await.status != 503 {
        assert!(began.elapsed() < ARRIVAL, "the third request is served");
        // a login that came while this request was handled was itself refused
        let refused = slow.iter_mut().filter(|(_, login)| login.is_finished());
        refused.for_each(|(name, login)| *login = log_in(*name));
    }
    for path in PATHS {
        let refused = answer(post(&server, path)).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (503, "OVERLOADED"), "{}", refused.text);
        assert_eq!((&refused.error()["action"], &refused.error()["retryAfter"]), (&json!("RETRY"), &json!(1)));
        assert_eq!(refused.error()["requestId"].as_str().unwrap(), refused.headers["x-request-id"]);
        assert_eq!(refused.headers[header::RETRY_AFTER], "1");
        assert!(refused.body.get(if path == "/graphql" { "errors" } else { "error" }).is_some());
    }
    assert!(server.is_up().await, "an overloaded server is alive");
    for (_, login) in slow {
        let answer = login.await.unwrap().unwrap();
        assert_eq!(answer["data"]["login"]["isNewUser"], true, "{answer}");
    }
    for path in PATHS {
        assert_eq!(answer(post(&server, path)).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_do_not_use_up_requests_in_flight() {
    let (_folder, server) = serve("requests_in_flight = 2\n").await;
    let mut slow = Vec::new();
    for path in PATHS.into_iter().cycle().take(20) {
        let mut stream = connect(&server).await;
        stream.write_all(request(path, "Content-Length: 100", "{").as_bytes()).await.unwrap();
        slow.push(stream);
    }
    for path in PATHS.into_iter().cycle().take(6) {
        let answer = answer(post(&server, path)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}
