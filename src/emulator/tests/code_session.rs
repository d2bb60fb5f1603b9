//! Typed codes and the rules of the question.

use std::time::{Duration, Instant};

use super::{Trial, errcode, json};

#[tokio::test]
async fn a_typed_code_logs_in_as_often_as_one_likes() {
    let trial = Trial::new().await;
    let first = trial.openid("wx1", "emulator:alice").await;
    assert_eq!(trial.openid("wx1", "emulator:alice").await, first);
    assert_ne!(trial.openid("wx1", "emulator:bob").await, first);
}

#[tokio::test]
async fn the_answer_is_json_under_the_name_of_plain_text() {
    let trial = Trial::new().await;
    for code in ["emulator:alice", "emulator:error:40029"] {
        let answer = trial.asking("wx1", code).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"text/plain".parse().unwrap())
        );
    }
    let answer = trial.exchange("wx1", "emulator:alice").await;
    let mut keys: Vec<_> = answer.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["openid", "session_key", "unionid"]);
}

#[tokio::test]
async fn an_openid_outlives_the_emulator() {
    let before = Trial::new().await.openid("wx1", "emulator:alice").await;
    assert_eq!(Trial::new().await.openid("wx1", "emulator:alice").await, before);
}

#[tokio::test]
async fn two_apps_see_two_openids_and_one_unionid() {
    let trial = Trial::new().await;
    let one = trial.exchange("wx1", "emulator:alice").await;
    let two = trial.exchange("wx2", "emulator:alice").await;
    assert_ne!(one["openid"], two["openid"]);
    assert_eq!(one["unionid"], two["unionid"]);
    assert!(one["unionid"].is_string());
}

#[tokio::test]
async fn the_session_key_is_another_at_each_login() {
    let trial = Trial::new().await;
    let first = trial.exchange("wx1", "emulator:alice").await;
    assert_ne!(trial.exchange("wx1", "emulator:alice").await["session_key"], first["session_key"]);
}

#[tokio::test]
async fn a_person_without_unionid_has_the_same_openid() {
    let trial = Trial::new().await;
    let answer = trial.exchange("wx1", "emulator:nounion:alice").await;
    assert_eq!(answer.get("unionid"), None);
    assert_eq!(answer["openid"], trial.openid("wx1", "emulator:alice").await);
}

#[tokio::test]
async fn a_typed_errcode_comes_back() {
    let trial = Trial::new().await;
    for wanted in [40029, 45011, -1, 12345] {
        assert_eq!(trial.errcode("wx1", &format!("emulator:error:{wanted}")).await, wanted);
    }
}

#[tokio::test]
async fn a_refusal_carries_a_fresh_request_id_of_wechats_shape() {
    let trial = Trial::new().await;
    let mut rids = Vec::new();
    for _ in 0..2 {
        let answer = trial.exchange("wx1", "emulator:error:40029").await;
        let (words, rid) = answer["errmsg"].as_str().unwrap().split_once(", rid: ").unwrap();
        assert_eq!(words, "invalid code");
        let groups: Vec<_> = rid.split('-').collect();
        assert_eq!((groups.len(), groups[0]), (3, "6a1b2c3d"));
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(groups.iter().all(|group| group.len() == 8 && group.bytes().all(hex)), "{rid}");
        rids.push(rid.to_owned());
    }
    assert_ne!(rids[0], rids[1]);
}

#[tokio::test]
async fn a_slow_code_takes_its_time() {
    let trial = Trial::new().await;
    let start = Instant::now();
    assert!(trial.openid("wx1", "emulator:slow:300:alice").await.starts_with('o'));
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_typed_code_that_makes_no_sense_is_invalid() {
    let trial = Trial::new().await;
    let long = "x".repeat(65);
    for text in ["", "al%20ice", "dance:alice", "slow:60001:alice", "error:no", "reply:song", "%E7%88%B1", &long] {
        assert_eq!(trial.errcode("wx1", &format!("emulator:{text}")).await, 40029, "{text}");
    }
}

#[tokio::test]
async fn each_missing_part_has_its_errcode() {
    let trial = Trial::new().await;
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
        let answer = json(trial.get(&format!("/sns/jscode2session{query}"))).await;
        assert_eq!(errcode(&answer), wanted, "{query}");
    }
}

#[tokio::test]
async fn an_app_id_longer_than_any_is_invalid() {
    assert_eq!(Trial::new().await.errcode(&"w".repeat(65), "emulator:alice").await, 40013);
}

#[tokio::test]
async fn a_post_is_refused_with_an_errcode() {
    let trial = Trial::new().await;
    let answer = json(trial.post(&super::session_path("wx1", "emulator:alice"))).await;
    assert_eq!(errcode(&answer), 43001);
}
