//! The log: each line names its request, and the trace of its client.

use std::sync::LazyLock;

use serde_json::json;

use crate::harness::{ApiResponse, DatabaseKind, Log, Reply, Settings, run};

const SETTINGS: Settings = &[("FILE", "wechat_timeout = \"300ms\"")];

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

static TRACE_ID: LazyLock<String> = LazyLock::new(|| format!("trace_id={}", &TRACEPARENT[3..35]));

fn request_id(answer: &ApiResponse) -> String {
    format!("request_id={}", answer.headers["x-request-id"].to_str().unwrap())
}

/// The only line that contains a text.
fn line(log: &Log, words: &str) -> String {
    let text = log.text();
    let mut lines = text.lines().filter(|line| line.contains(words));
    let line = lines.next().unwrap_or_else(|| panic!("no {words} in {text}"));
    assert_eq!(lines.next(), None);
    line.to_owned()
}

// One thread, so that the log of the whole request is this test's.
#[tokio::test]
async fn warning_about_wechat_names_its_request() {
    run(DatabaseKind::Sqlite, SETTINGS, |app| async move {
        app.wechat.reply("refused", Reply::errcode(40125));
        app.wechat.reply("slow", Reply::Hang);
        let log = Log::default();
        let capturing = log.capture_with("warn");
        let client = app.anonymous().header("traceparent", TRACEPARENT);
        let refused = client.login("refused").await;
        let slow = client.login("slow").await;
        drop(capturing);
        let line_of_refused = line(&log, "40125");
        assert!(line_of_refused.contains(&request_id(&refused)), "{line_of_refused}");
        assert!(line_of_refused.contains(" app=wx1") && line_of_refused.contains(&*TRACE_ID), "{line_of_refused}");
        let text = log.text();
        assert!(text.lines().all(|line| line.contains("request_id=")), "{text}");
        assert!(text.lines().any(|line| line.contains(&request_id(&slow))), "{text}");
    })
    .await;
}

#[tokio::test]
async fn access_line_has_route_status_and_user() {
    run(DatabaseKind::Sqlite, SETTINGS, |app| async move {
        let alice = app.log_in("alice").await;
        let log = Log::default();
        let capturing = log.capture_with("debug");
        let query = json!({ "query": "query Mine { me { id } }", "operationName": "Mine" });
        let answer = alice.client.post("/graphql", &query).await;
        let missing = app.anonymous().get("/wp-admin/TheirText").await;
        drop(capturing);
        let text = log.text();
        let access = |answer: &ApiResponse| {
            let id = request_id(answer);
            let line = text.lines().find(|line| line.contains("request answered") && line.contains(&id));
            line.unwrap_or_else(|| panic!("no access line in {text}")).to_owned()
        };
        let line = access(&answer);
        for part in ["method=\"POST\"", "route=\"/graphql\"", "status=200", "duration_us=", "operation=Mine", "user="] {
            assert!(line.contains(part), "no {part} in {line}");
        }
        let line = access(&missing);
        assert!(line.contains("route=\"other\"") && line.contains("status=404"), "{line}");
        assert!(!text.contains("TheirText"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn info_level_writes_no_line_for_a_request_that_succeeds() {
    run(DatabaseKind::Sqlite, SETTINGS, |app| async move {
        let alice = app.log_in("alice").await;
        let log = Log::default();
        let capturing = log.capture_with("info");
        alice.client.me().await.data();
        drop(capturing);
        assert_eq!(log.text(), "");
    })
    .await;
}

#[tokio::test]
async fn valid_traceparent_is_returned_and_an_invalid_one_is_not() {
    run(DatabaseKind::Sqlite, SETTINGS, |app| async move {
        let ask = async |value: &str| app.anonymous().header("traceparent", value).get("/livez").await;
        let answer = ask(TRACEPARENT).await;
        let back = answer.headers["traceparent"].to_str().unwrap();
        assert_eq!((&back[..36], &back[52..]), (&TRACEPARENT[..36], "-01"));
        assert_ne!(back, TRACEPARENT);
        assert!(
            !ask("00-00000000000000000000000000000000-00f067aa0ba902b7-01").await.headers.contains_key("traceparent")
        );
        assert!(!app.anonymous().get("/livez").await.headers.contains_key("traceparent"));
    })
    .await;
}
