//! Tests of the broken replies.

use std::time::{Duration, Instant};

use axum::{body::Body, http::Request};
use reqwest::Response;
use tower::ServiceExt;

use super::{Harness, session_path};
use crate::emulator::{EmulatorState, router};

async fn reply(harness: &Harness, kind: &str) -> Response {
    harness.exchange_request("wx1", &format!("emulator:reply:{kind}")).send().await.unwrap()
}

#[tokio::test]
async fn html_is_a_page() {
    let response = reply(&Harness::new().await, "html").await;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(response.text().await.unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn empty_has_status_200_and_no_body() {
    let response = reply(&Harness::new().await, "empty").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "");
}

#[tokio::test]
async fn half_is_truncated_json() {
    let text = reply(&Harness::new().await, "half").await.text().await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap_err().is_eof());
}

#[tokio::test]
async fn huge_is_64_mib_without_a_content_length() {
    let mut response = reply(&Harness::new().await, "huge").await;
    assert_eq!(response.headers().get("content-length"), None);
    let mut length = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        length += chunk.len();
    }
    assert!(length > 64 << 20, "{length}");
}

#[tokio::test]
async fn redirect_target_logs_in() {
    let harness = Harness::new().await;
    let response = reply(&harness, "redirect").await;
    assert_eq!(response.status(), 302);
    let there = super::json(harness.get(response.headers()["location"].to_str().unwrap())).await;
    assert!(there["openid"].is_string());
}

#[tokio::test]
async fn status_500_is_returned() {
    assert_eq!(reply(&Harness::new().await, "500").await.status(), 500);
}

#[tokio::test]
async fn hang_does_not_respond() {
    let harness = Harness::new().await;
    let hanging = harness.exchange_request("wx1", "emulator:reply:hang").timeout(Duration::from_millis(300));
    assert!(hanging.send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn waiting_replies_end_when_the_emulator_stops() {
    for code in ["emulator:reply:hang", "emulator:slow:60000:alice"] {
        let harness = Harness::new().await;
        let waiting = tokio::spawn(harness.exchange_request("wx1", code).send());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        drop(harness);
        waiting.await.unwrap().unwrap();
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn router_can_be_called_within_the_process() {
    let clock = std::sync::Arc::new(crate::clock::SystemClock);
    let request = Request::get(session_path("wx1", "emulator:alice")).body(Body::empty()).unwrap();
    assert_eq!(router(EmulatorState::new(clock)).oneshot(request).await.unwrap().status(), 200);
}
