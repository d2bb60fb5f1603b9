//! `decryptWechatData`: data that WeChat encrypted or signed with the user's session key.

use std::time::Duration;

use aws_lc_rs::{
    cipher::{AES_128, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey},
    digest::{SHA1_FOR_LEGACY_USE_ONLY, digest},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Client, Reply, TestApp};

const KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
const NEXT: &str = "o0q0otL8aEzpcZL/FT9WsQ==";
const LAST: &str = "HyVFkGl5F5OQWJZZaNzBBg==";

on_each_database! {
    async fn data_open_with_the_current_and_the_previous_key(app: TestApp) {
        let alice = app.log_in("alice").await;
        let phone = json!({ "phoneNumber": "13800000000", "purePhoneNumber": "13800000000", "countryCode": "86" });
        let data = encrypted(&app, KEY, &phone, "wx1", 0);
        assert_eq!(opened(&alice.client, &data).await, phone);
        for (code, key) in [("alice.2", NEXT), ("alice.3", LAST)] {
            app.wechat.reply(code, Reply::user("o_alice").with("session_key", key));
            app.clock.advance(Duration::from_secs(1));
        }
        let second = app.log_in("alice.2").await.client;
        assert_eq!(opened(&second, &data).await, phone);
        app.clock.advance(Duration::from_secs(1));
        let third = app.log_in("alice.3").await.client;
        let stale = decrypt(&third, &data).await;
        assert_eq!((stale.code(), &stale.error()["action"]), ("SESSION_KEY_STALE", &json!("RELOGIN")));
        assert_eq!(opened(&third, &encrypted(&app, NEXT, &phone, "wx1", 0)).await, phone);
        app.clock.advance(Duration::from_mins(61));
        let old = decrypt(&third, &encrypted(&app, NEXT, &phone, "wx1", 0)).await;
        assert_eq!(old.code(), "SESSION_KEY_STALE");
        assert_eq!(opened(&third, &encrypted(&app, LAST, &phone, "wx1", 0)).await, phone);
    }
}

on_any_database! {
    async fn openid_and_unionid_are_removed(app: TestApp) {
        let alice = app.log_in("alice").await;
        let user = json!({ "openId": "o_alice", "unionId": "u_alice", "nickName": "爱丽丝", "gender": 0, "other": 1 });
        assert_eq!(
            opened(&alice.client, &encrypted(&app, KEY, &user, "wx1", 0)).await,
            json!({ "nickName": "爱丽丝", "gender": 0 })
        );
    }

    async fn data_of_another_mini_program_or_time_are_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        let data = json!({ "openGId": "g" });
        for (app_id, off, word) in [("wx2", 0, "watermark"), ("wx1", 601, "ten minutes"), ("wx1", -601, "ten minutes")]
        {
            let refused = decrypt(&alice.client, &encrypted(&app, KEY, &data, app_id, off)).await;
            assert_eq!(refused.code(), "BAD_USER_INPUT", "{app_id} {off}");
            assert!(refused.message().contains(word), "{}", refused.message());
        }
        for off in [600, -600] {
            assert_eq!(opened(&alice.client, &encrypted(&app, KEY, &data, "wx1", off)).await, data);
        }
    }

    async fn malformed_input_is_refused_with_its_field(app: TestApp) {
        let alice = app.log_in("alice").await;
        let good = encrypted(&app, KEY, &json!({ "openGId": "g" }), "wx1", 0);
        let (data, iv) = (good["encryptedData"].as_str().unwrap(), good["iv"].as_str().unwrap());
        for (input, words) in [
            (json!({ "encryptedData": "a b+c=", "iv": iv }), "spaces"),
            (json!({ "encryptedData": "<html>", "iv": iv }), "not base64"),
            (json!({ "encryptedData": "AAAA", "iv": iv }), "multiple of 16"),
            (json!({ "encryptedData": data, "iv": "AAAA" }), "16 bytes"),
            (json!({ "encryptedData": data, "iv": "a b" }), "spaces"),
            (json!({ "encryptedData": data }), "either"),
            (json!({ "rawData": "{}", "signature": "abc" }), "40 hex"),
            (json!({ "rawData": "{}", "signature": "abc", "iv": iv }), "either"),
            (json!({}), "either"),
        ] {
            let refused = decrypt(&alice.client, &input).await;
            assert_eq!(refused.code(), "BAD_USER_INPUT", "{input}");
            assert!(refused.message().contains(words), "{input}: {}", refused.message());
        }
        let damaged = json!({ "encryptedData": STANDARD.encode([7; 64]), "iv": iv });
        assert_eq!(decrypt(&alice.client, &damaged).await.code(), "SESSION_KEY_STALE");
        assert_eq!(decrypt(&app.anonymous(), &good).await.code(), "UNAUTHENTICATED");
    }

    async fn signed_data_are_returned_if_the_signature_is_valid(app: TestApp) {
        let alice = app.log_in("alice").await;
        let raw = json!({ "nickName": "爱丽丝", "openId": "o" }).to_string();
        assert_eq!(opened(&alice.client, &signed(&raw, KEY)).await, json!({ "nickName": "爱丽丝" }));
        assert_eq!(decrypt(&alice.client, &signed(&raw, NEXT)).await.code(), "SESSION_KEY_STALE");
        assert_eq!(decrypt(&alice.client, &signed("[]", KEY)).await.code(), "BAD_USER_INPUT");
    }
}

async fn decrypt(client: &Client, input: &Value) -> ApiResponse {
    let query =
        "mutation($input: DecryptWechatDataInput!) { decryptWechatData(input: $input) { data userErrors { code } } }";
    client.graphql(query, json!({ "input": input })).await
}

async fn opened(client: &Client, input: &Value) -> Value {
    decrypt(client, input).await.data()["decryptWechatData"]["data"].clone()
}

/// Data as WeChat encrypts them, with a watermark `off` seconds from now.
fn encrypted(app: &TestApp, session_key: &str, data: &Value, appid: &str, off: i64) -> Value {
    let mut data = data.clone();
    data["watermark"] = json!({ "timestamp": app.accounts.now().seconds() + off, "appid": appid });
    let key = UnboundCipherKey::new(&AES_128, &STANDARD.decode(session_key).unwrap()).unwrap();
    let mut cipher = data.to_string().into_bytes();
    let context = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap().encrypt(&mut cipher).unwrap();
    let DecryptionContext::Iv128(iv) = context else { panic!("CBC has a vector") };
    json!({ "encryptedData": STANDARD.encode(cipher), "iv": STANDARD.encode(iv.as_ref()) })
}

fn signed(raw: &str, session_key: &str) -> Value {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{raw}{session_key}").as_bytes());
    let hex = hash.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    json!({ "rawData": raw, "signature": hex })
}
