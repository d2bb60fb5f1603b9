//! Access tokens, and the calls that need one.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{Trial, errcode, json};

impl Trial {
    async fn call(&self, path: &str, body: &Value) -> Value {
        json(self.post(path).header("content-type", "text/plain").body(body.to_string())).await
    }

    async fn token(&self, app_id: &str) -> (String, u64) {
        let body = json!({ "grant_type": "client_credential", "appid": app_id, "secret": "s" });
        let answer = self.call("/cgi-bin/stable_token", &body).await;
        let token = answer["access_token"].as_str().expect("there is a token").to_owned();
        (token, answer["expires_in"].as_u64().unwrap())
    }

    async fn phone(&self, token: &str, code: &str, openid: &str) -> Value {
        let path = format!("/wxa/business/getuserphonenumber?access_token={token}");
        self.call(&path, &json!({ "code": code, "openid": openid })).await
    }

    async fn minted(&self, path: &str) -> Value {
        let answer = self.post(path).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_token_is_the_same_until_less_than_five_minutes_are_left_and_both_serve_then() {
    let trial = Trial::new().await;
    let (first, life) = trial.token("wx1").await;
    assert_eq!(life, 7200);
    assert_ne!(trial.token("wx2").await.0, first);
    trial.clock.advance(Duration::from_mins(115));
    assert_eq!(trial.token("wx1").await, (first.clone(), 300));
    trial.clock.advance(Duration::from_secs(1));
    let (second, life) = trial.token("wx1").await;
    assert_eq!((second == first, life), (false, 7200));
    let errcode_with = async |token: &str| errcode(&trial.phone(token, "emulator:13800000000", "o").await);
    assert_eq!([errcode_with(&first).await, errcode_with(&second).await], [0, 0]);
    trial.clock.advance(Duration::from_secs(299));
    assert_eq!(
        [errcode_with(&first).await, errcode_with(&second).await, errcode_with("other").await],
        [42001, 0, 40001]
    );
    assert_eq!(errcode_with("").await, 41001);
}

#[tokio::test]
async fn a_token_that_is_asked_for_in_another_way_is_refused() {
    let trial = Trial::new().await;
    let good = json!({ "grant_type": "client_credential", "appid": "wx1", "secret": "s" });
    for (name, value, expected) in [
        ("grant_type", json!("authorization_code"), 40002),
        ("appid", json!(""), 41002),
        ("secret", json!(""), 41004),
        ("force_refresh", json!("false"), 47001),
        ("force_refresh", json!(true), 47001),
    ] {
        let mut body = good.clone();
        body[name] = value;
        assert_eq!(errcode(&trial.call("/cgi-bin/stable_token", &body).await), expected, "{name}");
    }
    assert_eq!(errcode(&json(trial.get("/cgi-bin/stable_token")).await), 43002);
}

#[tokio::test]
async fn a_typed_phone_code_is_its_number_and_the_country_is_a_number() {
    let trial = Trial::new().await;
    let (token, _) = trial.token("wx1").await;
    for code in ["emulator:+8613800000000", "emulator:13800000000", "emulator:slow:1:+8613800000000"] {
        let info = trial.phone(&token, code, "o").await["phone_info"].clone();
        assert_eq!((&info["countryCode"], &info["purePhoneNumber"]), (&json!(86), &json!("13800000000")), "{code}");
        assert_eq!(info["watermark"]["appid"], "wx1");
    }
    let foreign = trial.phone(&token, "emulator:+85251234567", "o").await["phone_info"].clone();
    assert_eq!((&foreign["phoneNumber"], &foreign["countryCode"]), (&json!("+85251234567"), &json!(852)));
    assert_eq!(errcode(&trial.phone(&token, "emulator:error:40029", "o").await), 40029);
    assert_eq!(errcode(&trial.phone(&token, "emulator:alice", "o").await), 40029);
}

#[tokio::test]
async fn a_true_phone_code_is_good_once_and_for_its_user() {
    let trial = Trial::new().await;
    let (token, _) = trial.token("wx1").await;
    let alice = trial.openid("wx1", "emulator:alice").await;
    let mint = async || {
        let minted = trial.minted("/emulator/phone-code?phone=13800000000&user=alice&appid=wx1").await;
        minted["code"].as_str().unwrap().to_owned()
    };
    let code = mint().await;
    assert_eq!(errcode(&trial.exchange("wx1", &code).await), 40029, "it is no login code");
    assert_eq!(errcode(&trial.phone(&token, &code, &alice).await), 0);
    assert_eq!(errcode(&trial.phone(&token, &code, &alice).await), 40163);
    assert_eq!(errcode(&trial.phone(&token, &mint().await, "another").await), 40003);
    let late = mint().await;
    trial.clock.advance(Duration::from_mins(5));
    assert_eq!(errcode(&trial.phone(&token, &late, &alice).await), 40029);
}

#[tokio::test]
async fn a_text_is_judged_by_its_words_and_the_errcode_is_0() {
    let trial = Trial::new().await;
    let (token, _) = trial.token("wx1").await;
    let path = format!("/wxa/msg_sec_check?access_token={token}");
    for (content, suggest) in
        [("爱丽丝", "pass"), ("a Risky name", "risky"), ("请 review 一下", "review"), ("asteriskyard", "pass")]
    {
        let body = json!({ "version": 2, "openid": "o", "scene": 1, "content": content });
        let answer = trial.call(&path, &body).await;
        assert_eq!((errcode(&answer), &answer["result"]["suggest"]), (0, &json!(suggest)), "{content}");
    }
    assert_eq!(errcode(&trial.call(&path, &json!({ "version": 1, "openid": "o" })).await), 47001);
    assert_eq!(errcode(&trial.call(&path, &json!({ "version": 2, "scene": 1, "content": "x" })).await), 40003);
    let picture =
        json!({ "version": 2, "openid": "o", "scene": 1, "media_type": 2, "media_url": "https://a.example/1" });
    let answer = trial.call(&format!("/wxa/media_check_async?access_token={token}"), &picture).await;
    assert!(answer["trace_id"].is_string(), "{answer}");
}

#[tokio::test]
async fn the_newest_session_key_alone_passes_its_check() {
    let trial = Trial::new().await;
    let (token, _) = trial.token("wx1").await;
    let keys = [trial.exchange("wx1", "emulator:alice").await, trial.exchange("wx1", "emulator:alice").await];
    let openid = keys[0]["openid"].as_str().unwrap();
    for (key, expected) in [(&keys[0], 87009), (&keys[1], 0)] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key["session_key"].as_str().unwrap().as_bytes());
        let signature = hex::encode(hmac::sign(&key, b""));
        let query = format!("access_token={token}&openid={openid}&signature={signature}&sig_method=hmac_sha256");
        assert_eq!(errcode(&json(trial.get(&format!("/wxa/checksession?{query}"))).await), expected);
    }
}

#[tokio::test]
async fn data_are_encrypted_for_who_has_logged_in() {
    let trial = Trial::new().await;
    let unknown = trial.post("/emulator/encrypt?user=alice&appid=wx1").send().await.unwrap();
    assert_eq!(unknown.status(), 400);
    trial.openid("wx1", "emulator:alice").await;
    let data = trial.minted("/emulator/encrypt?user=alice&appid=wx1").await;
    assert!(["encryptedData", "iv", "rawData", "signature"].iter().all(|member| data[member].is_string()), "{data}");
}
