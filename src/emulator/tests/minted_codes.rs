//! True one-time codes.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;

use super::{Trial, errcode, json};

#[tokio::test]
async fn a_code_is_good_once() {
    let trial = Trial::new().await;
    let code = trial.emulator.mint("wx1", "alice");
    assert_eq!(trial.openid("wx1", &code).await, trial.openid("wx1", "emulator:alice").await);
    assert_eq!(trial.errcode("wx1", &code).await, 40163);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_50_parallel_uses_exactly_one_logs_in() {
    let trial = Trial::new().await;
    let code = trial.emulator.mint("wx1", "alice");
    let uses: Vec<_> = (0..50).map(|_| tokio::spawn(json(trial.asking("wx1", &code)))).collect();
    let mut logins = 0;
    for one in uses {
        let answer = one.await.unwrap();
        if answer.get("openid").is_some() {
            logins += 1;
        } else {
            assert_eq!(errcode(&answer), 40163);
        }
    }
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn a_code_expires_after_5_minutes_used_or_not() {
    let trial = Trial::new().await;
    let [used, unused] = [(); 2].map(|()| trial.emulator.mint("wx1", "alice"));
    trial.clock.advance(Duration::from_millis(299_999));
    trial.openid("wx1", &used).await;
    assert_eq!(trial.errcode("wx1", &used).await, 40163);
    trial.clock.advance(Duration::from_millis(1));
    assert_eq!(trial.errcode("wx1", &unused).await, 40029);
    assert_eq!(trial.errcode("wx1", &used).await, 40029);
}

#[tokio::test]
async fn another_app_can_neither_use_a_code_nor_spend_it() {
    let trial = Trial::new().await;
    let code = trial.emulator.mint("wx1", "alice");
    assert_eq!(trial.errcode("wx2", &code).await, 40029);
    assert!(trial.openid("wx1", &code).await.starts_with('o'));
}

#[tokio::test]
async fn a_code_without_app_belongs_to_the_first_that_uses_it() {
    let trial = Trial::new().await;
    let code = trial.emulator.mint("", "alice");
    assert!(trial.openid("wx2", &code).await.starts_with('o'));
    assert_eq!(trial.errcode("wx1", &code).await, 40029);
    assert_eq!(trial.errcode("wx2", &code).await, 40163);
}

#[tokio::test]
async fn an_unknown_code_is_invalid() {
    assert_eq!(Trial::new().await.errcode("wx1", &"0".repeat(32)).await, 40029);
}

#[tokio::test]
async fn a_code_plays_the_scenario_it_was_minted_for() {
    let trial = Trial::new().await;
    let refused = trial.emulator.mint("wx1", "error:40226");
    assert_eq!(trial.errcode("wx1", &refused).await, 40226);
    let without_union = trial.emulator.mint("wx1", "nounion:alice");
    assert_eq!(trial.exchange("wx1", &without_union).await.get("unionid"), None);
    let slow = trial.emulator.mint("wx1", "slow:1:alice");
    assert!(trial.openid("wx1", &slow).await.starts_with('o'));
}

#[tokio::test]
async fn a_code_minted_for_nonsense_is_invalid() {
    let trial = Trial::new().await;
    let code = trial.emulator.mint("wx1", "al ice");
    assert_eq!(trial.errcode("wx1", &code).await, 40029);
}

#[tokio::test]
async fn curl_may_say_whom_by_json_form_or_query() {
    let trial = Trial::new().await;
    let bob = trial.openid("wx1", "emulator:bob").await;
    let form = "application/x-www-form-urlencoded";
    for (query, content_type, body) in [
        ("", "application/json", r#"{"user":"bob","appid":"wx1"}"#),
        ("", form, r#"{"user":"bob","appid":"wx1"}"#),
        ("", form, "user=bob&appid=wx1"),
        ("?user=bob&appid=wx1", form, ""),
        ("?user=alice&appid=wx1", form, "user=bob"),
    ] {
        let minting = trial.post(&format!("/emulator/code{query}")).header(CONTENT_TYPE, content_type).body(body);
        let code = json(minting).await["code"].as_str().unwrap().to_owned();
        assert_eq!(trial.errcode("wx2", &code).await, 40029, "{query} {body}");
        assert_eq!(trial.openid("wx1", &code).await, bob, "{query} {body}");
    }
}

#[tokio::test]
async fn minting_without_a_word_gives_alice_to_any_app() {
    let trial = Trial::new().await;
    let answer = trial.post("/emulator/code").send().await.unwrap().text().await.unwrap();
    let minted: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let code = minted["code"].as_str().unwrap();
    assert_eq!(answer, format!("{{\n  \"code\": \"{code}\",\n  \"expires_in\": 300\n}}\n"));
    assert_eq!(trial.openid("wx7", code).await, trial.openid("wx7", "emulator:alice").await);
}

#[tokio::test]
async fn minting_says_what_was_wrong() {
    let trial = Trial::new().await;
    let long_app = format!("appid={}", "w".repeat(65));
    for (body, why) in [
        ("user=al+ice", "user must be"),
        ("user=", "user must be"),
        ("usr=bob", "unknown field"),
        (r#"{"usr":"bob"}"#, "unknown field"),
        ("{", "EOF"),
        ("user=al ice", "neither JSON nor a form"),
        (long_app.as_str(), "64 characters"),
    ] {
        let answer = trial.post("/emulator/code").body(body.to_owned()).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        let said = answer.text().await.unwrap();
        assert!(said.contains(why), "{body}: {said}");
    }
}

#[tokio::test]
async fn a_body_over_8_kib_is_too_large() {
    let trial = Trial::new().await;
    let answer = trial.post("/emulator/code").body("x".repeat(8 * 1024 + 1)).send().await.unwrap();
    assert_eq!(answer.status(), 413);
}
