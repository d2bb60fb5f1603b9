//! Tests of one-time codes.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;

use super::{Harness, errcode, json};

#[tokio::test]
async fn code_is_valid_once() {
    let harness = Harness::new().await;
    let code = harness.emulator.mint("wx1", "alice");
    assert_eq!(harness.openid("wx1", &code).await, harness.openid("wx1", "emulator:alice").await);
    assert_eq!(harness.errcode("wx1", &code).await, 40163);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_50_concurrent_uses_logs_in() {
    let harness = Harness::new().await;
    let code = harness.emulator.mint("wx1", "alice");
    let uses: Vec<_> = (0..50).map(|_| tokio::spawn(json(harness.exchange_request("wx1", &code)))).collect();
    let mut logins = 0;
    for one in uses {
        let response = one.await.unwrap();
        if response.get("openid").is_some() {
            logins += 1;
        } else {
            assert_eq!(errcode(&response), 40163);
        }
    }
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn code_expires_after_5_minutes_used_or_unused() {
    let harness = Harness::new().await;
    let [used, unused] = [(); 2].map(|()| harness.emulator.mint("wx1", "alice"));
    harness.clock.advance(Duration::from_millis(299_999));
    harness.openid("wx1", &used).await;
    assert_eq!(harness.errcode("wx1", &used).await, 40163);
    harness.clock.advance(Duration::from_millis(1));
    assert_eq!(harness.errcode("wx1", &unused).await, 40029);
    assert_eq!(harness.errcode("wx1", &used).await, 40029);
}

#[tokio::test]
async fn attempt_of_another_app_is_refused_and_does_not_use_up_the_code() {
    let harness = Harness::new().await;
    let code = harness.emulator.mint("wx1", "alice");
    assert_eq!(harness.errcode("wx2", &code).await, 40029);
    assert!(harness.openid("wx1", &code).await.starts_with('o'));
}

#[tokio::test]
async fn code_without_an_app_belongs_to_the_first_app_that_uses_it() {
    let harness = Harness::new().await;
    let code = harness.emulator.mint("", "alice");
    assert!(harness.openid("wx2", &code).await.starts_with('o'));
    assert_eq!(harness.errcode("wx1", &code).await, 40029);
    assert_eq!(harness.errcode("wx2", &code).await, 40163);
}

#[tokio::test]
async fn unknown_code_is_invalid() {
    assert_eq!(Harness::new().await.errcode("wx1", &"0".repeat(32)).await, 40029);
}

#[tokio::test]
async fn code_has_the_scenario_it_was_minted_for() {
    let harness = Harness::new().await;
    let refused = harness.emulator.mint("wx1", "error:40226");
    assert_eq!(harness.errcode("wx1", &refused).await, 40226);
    let without_union = harness.emulator.mint("wx1", "nounion:alice");
    assert_eq!(harness.exchange("wx1", &without_union).await.get("unionid"), None);
    let slow = harness.emulator.mint("wx1", "slow:1:alice");
    assert!(harness.openid("wx1", &slow).await.starts_with('o'));
}

#[tokio::test]
async fn code_minted_for_an_invalid_scenario_is_invalid() {
    let harness = Harness::new().await;
    let code = harness.emulator.mint("wx1", "al ice");
    assert_eq!(harness.errcode("wx1", &code).await, 40029);
}

#[tokio::test]
async fn user_can_be_given_as_json_form_or_query() {
    let harness = Harness::new().await;
    let bob = harness.openid("wx1", "emulator:bob").await;
    let form = "application/x-www-form-urlencoded";
    for (query, content_type, body) in [
        ("", "application/json", r#"{"user":"bob","appid":"wx1"}"#),
        ("", form, r#"{"user":"bob","appid":"wx1"}"#),
        ("", form, "user=bob&appid=wx1"),
        ("?user=bob&appid=wx1", form, ""),
        ("?user=alice&appid=wx1", form, "user=bob"),
    ] {
        let minting = harness.post(&format!("/emulator/code{query}")).header(CONTENT_TYPE, content_type).body(body);
        let code = json(minting).await["code"].as_str().unwrap().to_owned();
        assert_eq!(harness.errcode("wx2", &code).await, 40029, "{query} {body}");
        assert_eq!(harness.openid("wx1", &code).await, bob, "{query} {body}");
    }
}

#[tokio::test]
async fn code_minted_without_parameters_logs_in_alice_for_any_app() {
    let harness = Harness::new().await;
    let response = harness.post("/emulator/code").send().await.unwrap().text().await.unwrap();
    let minted: serde_json::Value = serde_json::from_str(&response).unwrap();
    let code = minted["code"].as_str().unwrap();
    assert_eq!(response, format!("{{\n  \"code\": \"{code}\",\n  \"expires_in\": 300\n}}\n"));
    assert_eq!(harness.openid("wx7", code).await, harness.openid("wx7", "emulator:alice").await);
}

#[tokio::test]
async fn refused_minting_gives_the_reason() {
    let harness = Harness::new().await;
    let long_app = format!("appid={}", "w".repeat(65));
    for (body, reason) in [
        ("user=al+ice", "user must be"),
        ("user=", "user must be"),
        ("usr=bob", "unknown field"),
        (r#"{"usr":"bob"}"#, "unknown field"),
        ("{", "EOF"),
        ("user=al ice", "neither JSON nor a form"),
        (long_app.as_str(), "64 characters"),
    ] {
        let response = harness.post("/emulator/code").body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), 400, "{body}");
        let message = response.text().await.unwrap();
        assert!(message.contains(reason), "{body}: {message}");
    }
}

#[tokio::test]
async fn body_over_8_kib_is_refused() {
    let harness = Harness::new().await;
    let response = harness.post("/emulator/code").body("x".repeat(8 * 1024 + 1)).send().await.unwrap();
    assert_eq!(response.status(), 413);
}
