//! Tests of scenario codes, and of the parameters of `jscode2session`.

use std::time::{Duration, Instant};

use super::{Harness, errcode, json};

#[tokio::test]
async fn scenario_code_can_be_used_repeatedly() {
    let harness = Harness::new().await;
    let first = harness.openid("wx1", "emulator:alice").await;
    assert_eq!(harness.openid("wx1", "emulator:alice").await, first);
    assert_ne!(harness.openid("wx1", "emulator:bob").await, first);
}

#[tokio::test]
async fn response_is_json_with_the_content_type_of_plain_text() {
    let harness = Harness::new().await;
    for code in ["emulator:alice", "emulator:error:40029"] {
        let response = harness.exchange_request("wx1", code).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/plain".parse().unwrap())
        );
    }
    let response = harness.exchange("wx1", "emulator:alice").await;
    let mut keys: Vec<_> = response.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["openid", "session_key", "unionid"]);
}

#[tokio::test]
async fn openid_is_the_same_after_a_restart() {
    let before = Harness::new().await.openid("wx1", "emulator:alice").await;
    assert_eq!(Harness::new().await.openid("wx1", "emulator:alice").await, before);
}

#[tokio::test]
async fn two_apps_get_different_openids_and_the_same_unionid() {
    let harness = Harness::new().await;
    let one = harness.exchange("wx1", "emulator:alice").await;
    let two = harness.exchange("wx2", "emulator:alice").await;
    assert_ne!(one["openid"], two["openid"]);
    assert_eq!(one["unionid"], two["unionid"]);
    assert!(one["unionid"].is_string());
}

#[tokio::test]
async fn each_login_has_a_new_session_key() {
    let harness = Harness::new().await;
    let first = harness.exchange("wx1", "emulator:alice").await;
    assert_ne!(harness.exchange("wx1", "emulator:alice").await["session_key"], first["session_key"]);
}

#[tokio::test]
async fn user_without_unionid_has_the_same_openid() {
    let harness = Harness::new().await;
    let response = harness.exchange("wx1", "emulator:nounion:alice").await;
    assert_eq!(response.get("unionid"), None);
    assert_eq!(response["openid"], harness.openid("wx1", "emulator:alice").await);
}

#[tokio::test]
async fn error_scenario_returns_its_errcode() {
    let harness = Harness::new().await;
    for wanted in [40029, 45011, -1, 12345] {
        assert_eq!(harness.errcode("wx1", &format!("emulator:error:{wanted}")).await, wanted);
    }
}

#[tokio::test]
async fn refusal_has_a_new_request_id_in_the_form_of_wechat() {
    let harness = Harness::new().await;
    let mut rids = Vec::new();
    for _ in 0..2 {
        let response = harness.exchange("wx1", "emulator:error:40029").await;
        let (message, rid) = response["errmsg"].as_str().unwrap().split_once(", rid: ").unwrap();
        assert_eq!(message, "invalid code");
        let groups: Vec<_> = rid.split('-').collect();
        assert_eq!((groups.len(), groups[0]), (3, "6a1b2c3d"));
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(groups.iter().all(|group| group.len() == 8 && group.bytes().all(hex)), "{rid}");
        rids.push(rid.to_owned());
    }
    assert_ne!(rids[0], rids[1]);
}

#[tokio::test]
async fn slow_scenario_waits() {
    let harness = Harness::new().await;
    let start = Instant::now();
    assert!(harness.openid("wx1", "emulator:slow:300:alice").await.starts_with('o'));
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn invalid_scenario_code_is_refused() {
    let harness = Harness::new().await;
    let long = "x".repeat(65);
    for text in ["", "al%20ice", "dance:alice", "slow:60001:alice", "error:no", "reply:song", "%E7%88%B1", &long] {
        assert_eq!(harness.errcode("wx1", &format!("emulator:{text}")).await, 40029, "{text}");
    }
}

#[tokio::test]
async fn each_missing_parameter_has_its_errcode() {
    let harness = Harness::new().await;
    for (query, wanted) in [
        ("", 41002),
        ("?secret=s&js_code=emulator:a&grant_type=authorization_code", 41002),
        ("?appid=&secret=s&js_code=emulator:a&grant_type=authorization_code", 41002),
        ("?appid=wx1&js_code=emulator:a&grant_type=authorization_code", 41004),
        ("?appid=wx1&secret=&js_code=emulator:a&grant_type=authorization_code", 41004),
        ("?appid=wx1&secret=s&grant_type=authorization_code", 41008),
        ("?appid=wx1&secret=s&js_code=&grant_type=authorization_code", 41008),
        ("?appid=wx1&secret=s&js_code=emulator:a", 40002),
        ("?appid=wx1&secret=s&js_code=emulator:a&grant_type=client_credential", 40002),
    ] {
        let response = json(harness.get(&format!("/sns/jscode2session{query}"))).await;
        assert_eq!(errcode(&response), wanted, "{query}");
    }
}

#[tokio::test]
async fn appid_that_is_too_long_is_refused() {
    assert_eq!(Harness::new().await.errcode(&"w".repeat(65), "emulator:alice").await, 40013);
}

#[tokio::test]
async fn post_is_refused_with_an_errcode() {
    let harness = Harness::new().await;
    let response = json(harness.post(&super::session_path("wx1", "emulator:alice"))).await;
    assert_eq!(errcode(&response), 43001);
}
