//! The broken answers are broken in the way they say.

use std::time::{Duration, Instant};

use axum::{body::Body, http::Request};
use reqwest::Response;
use tower::ServiceExt;

use super::{Trial, session_path};
use crate::emulator::{FakeWeChat, router};

async fn reply(trial: &Trial, kind: &str) -> Response {
    trial.asking("wx1", &format!("emulator:reply:{kind}")).send().await.unwrap()
}

#[tokio::test]
async fn html_is_a_page_and_not_json() {
    let answer = reply(&Trial::new().await, "html").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(answer.text().await.unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn empty_is_a_200_of_nothing() {
    let answer = reply(&Trial::new().await, "empty").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "");
}

#[tokio::test]
async fn half_is_json_that_ends_too_soon() {
    let text = reply(&Trial::new().await, "half").await.text().await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap_err().is_eof());
}

#[tokio::test]
async fn huge_is_64_mib_that_nobody_announced() {
    let mut answer = reply(&Trial::new().await, "huge").await;
    assert_eq!(answer.headers().get("content-length"), None);
    let mut length = 0;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        length += chunk.len();
    }
    assert!(length > 64 << 20, "{length}");
}

#[tokio::test]
async fn redirect_leads_to_a_true_login() {
    let trial = Trial::new().await;
    let answer = reply(&trial, "redirect").await;
    assert_eq!(answer.status(), 302);
    let there = super::json(trial.get(answer.headers()["location"].to_str().unwrap())).await;
    assert!(there["openid"].is_string());
}

#[tokio::test]
async fn the_500_is_one() {
    assert_eq!(reply(&Trial::new().await, "500").await.status(), 500);
}

#[tokio::test]
async fn hang_does_not_answer() {
    let trial = Trial::new().await;
    let hanging = trial.asking("wx1", "emulator:reply:hang").timeout(Duration::from_millis(300));
    assert!(hanging.send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn what_waits_on_purpose_ends_with_the_emulator() {
    for code in ["emulator:reply:hang", "emulator:slow:60000:alice"] {
        let trial = Trial::new().await;
        let waiting = tokio::spawn(trial.asking("wx1", code).send());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        drop(trial);
        waiting.await.unwrap().unwrap();
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn the_router_answers_in_process_too() {
    let clock = std::sync::Arc::new(crate::clock::SystemClock);
    let asked = Request::get(session_path("wx1", "emulator:alice")).body(Body::empty()).unwrap();
    assert_eq!(router(FakeWeChat::new(clock)).oneshot(asked).await.unwrap().status(), 200);
}
