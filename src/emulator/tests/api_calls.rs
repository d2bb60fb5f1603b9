//! Tests of access tokens, and of the calls that need one.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{Harness, errcode, json};

impl Harness {
    async fn call(&self, path: &str, body: &Value) -> Value {
        json(self.post(path).header("content-type", "text/plain").body(body.to_string())).await
    }

    async fn token(&self, app_id: &str) -> (String, u64) {
        let body = json!({ "grant_type": "client_credential", "appid": app_id, "secret": "s" });
        let response = self.call("/cgi-bin/stable_token", &body).await;
        let token = response["access_token"].as_str().expect("there is a token").to_owned();
        (token, response["expires_in"].as_u64().unwrap())
    }

    async fn phone(&self, token: &str, code: &str, openid: &str) -> Value {
        let path = format!("/wxa/business/getuserphonenumber?access_token={token}");
        self.call(&path, &json!({ "code": code, "openid": openid })).await
    }

    async fn minted(&self, path: &str) -> Value {
        let response = self.post(path).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn token_is_replaced_in_its_last_five_minutes_while_both_are_valid() {
    let harness = Harness::new().await;
    let (first, life) = harness.token("wx1").await;
    assert_eq!(life, 7200);
    assert_ne!(harness.token("wx2").await.0, first);
    harness.clock.advance(Duration::from_mins(115));
    assert_eq!(harness.token("wx1").await, (first.clone(), 300));
    harness.clock.advance(Duration::from_secs(1));
    let (second, life) = harness.token("wx1").await;
    assert_eq!((second == first, life), (false, 7200));
    let errcode_with = async |token: &str| errcode(&harness.phone(token, "emulator:13800000000", "o").await);
    assert_eq!([errcode_with(&first).await, errcode_with(&second).await], [0, 0]);
    harness.clock.advance(Duration::from_secs(299));
    assert_eq!(
        [errcode_with(&first).await, errcode_with(&second).await, errcode_with("other").await],
        [42001, 0, 40001]
    );
    assert_eq!(errcode_with("").await, 41001);
}

#[tokio::test]
async fn invalid_token_request_is_refused() {
    let harness = Harness::new().await;
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
        assert_eq!(errcode(&harness.call("/cgi-bin/stable_token", &body).await), expected, "{name}");
    }
    assert_eq!(errcode(&json(harness.get("/cgi-bin/stable_token")).await), 43002);
}

#[tokio::test]
async fn phone_scenario_code_returns_its_number_with_a_numeric_country_code() {
    let harness = Harness::new().await;
    let (token, _) = harness.token("wx1").await;
    for code in ["emulator:+8613800000000", "emulator:13800000000", "emulator:slow:1:+8613800000000"] {
        let info = harness.phone(&token, code, "o").await["phone_info"].clone();
        assert_eq!((&info["countryCode"], &info["purePhoneNumber"]), (&json!(86), &json!("13800000000")), "{code}");
        assert_eq!(info["watermark"]["appid"], "wx1");
    }
    let foreign = harness.phone(&token, "emulator:+85251234567", "o").await["phone_info"].clone();
    assert_eq!((&foreign["phoneNumber"], &foreign["countryCode"]), (&json!("+85251234567"), &json!(852)));
    assert_eq!(errcode(&harness.phone(&token, "emulator:error:40029", "o").await), 40029);
    assert_eq!(errcode(&harness.phone(&token, "emulator:alice", "o").await), 40029);
}

#[tokio::test]
async fn one_time_phone_code_is_valid_once_for_its_user() {
    let harness = Harness::new().await;
    let (token, _) = harness.token("wx1").await;
    let alice = harness.openid("wx1", "emulator:alice").await;
    let mint = async || {
        let minted = harness.minted("/emulator/phone-code?phone=13800000000&user=alice&appid=wx1").await;
        minted["code"].as_str().unwrap().to_owned()
    };
    let code = mint().await;
    assert_eq!(errcode(&harness.exchange("wx1", &code).await), 40029, "it is not a login code");
    assert_eq!(errcode(&harness.phone(&token, &code, &alice).await), 0);
    assert_eq!(errcode(&harness.phone(&token, &code, &alice).await), 40163);
    assert_eq!(errcode(&harness.phone(&token, &mint().await, "another").await), 40003);
    let late = mint().await;
    harness.clock.advance(Duration::from_mins(5));
    assert_eq!(errcode(&harness.phone(&token, &late, &alice).await), 40029);
}

#[tokio::test]
async fn text_is_checked_by_its_words_with_errcode_0() {
    let harness = Harness::new().await;
    let (token, _) = harness.token("wx1").await;
    let path = format!("/wxa/msg_sec_check?access_token={token}");
    for (content, suggest) in
        [("爱丽丝", "pass"), ("a Risky name", "risky"), ("请 review 一下", "review"), ("asteriskyard", "pass")]
    {
        let body = json!({ "version": 2, "openid": "o", "scene": 1, "content": content });
        let response = harness.call(&path, &body).await;
        assert_eq!((errcode(&response), &response["result"]["suggest"]), (0, &json!(suggest)), "{content}");
    }
    assert_eq!(errcode(&harness.call(&path, &json!({ "version": 1, "openid": "o" })).await), 47001);
    assert_eq!(errcode(&harness.call(&path, &json!({ "version": 2, "scene": 1, "content": "x" })).await), 40003);
    let picture =
        json!({ "version": 2, "openid": "o", "scene": 1, "media_type": 2, "media_url": "https://a.example/1" });
    let response = harness.call(&format!("/wxa/media_check_async?access_token={token}"), &picture).await;
    assert!(response["trace_id"].is_string(), "{response}");
}

#[tokio::test]
async fn only_the_latest_session_key_passes_the_check() {
    let harness = Harness::new().await;
    let (token, _) = harness.token("wx1").await;
    let keys = [harness.exchange("wx1", "emulator:alice").await, harness.exchange("wx1", "emulator:alice").await];
    let openid = keys[0]["openid"].as_str().unwrap();
    for (key, expected) in [(&keys[0], 87009), (&keys[1], 0)] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key["session_key"].as_str().unwrap().as_bytes());
        let signature = hex::encode(hmac::sign(&key, b""));
        let query = format!("access_token={token}&openid={openid}&signature={signature}&sig_method=hmac_sha256");
        assert_eq!(errcode(&json(harness.get(&format!("/wxa/checksession?{query}"))).await), expected);
    }
}

#[tokio::test]
async fn data_is_encrypted_only_for_a_user_who_has_logged_in() {
    let harness = Harness::new().await;
    let unknown = harness.post("/emulator/encrypt?user=alice&appid=wx1").send().await.unwrap();
    assert_eq!(unknown.status(), 400);
    harness.openid("wx1", "emulator:alice").await;
    let data = harness.minted("/emulator/encrypt?user=alice&appid=wx1").await;
    assert!(["encryptedData", "iv", "rawData", "signature"].iter().all(|member| data[member].is_string()), "{data}");
}
