//! Liveness, readiness and the public keys.

use std::time::Duration;

use axum::http::header;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::Reply;

on_each_database! {
    async fn server_without_its_database_is_alive_but_not_ready(app: TestApp) {
        let client = app.anonymous();
        let ready = client.get("/readyz").await;
        assert_eq!((ready.status.as_u16(), &ready.body["status"]), (200, &json!("ok")), "{}", ready.text);
        app.store.clone().close().await.unwrap();
        // the result of a ping is reused for a second
        assert_eq!(client.get("/readyz").await.status, 200);
        sleep(Duration::from_millis(1100)).await;
        let ready = client.get("/readyz").await;
        assert_eq!((ready.status.as_u16(), &ready.body["database"]), (503, &json!("unavailable")), "{}", ready.text);
        assert_eq!(client.get("/livez").await.status, 200);
    }
}

on_any_database! {
    async fn readyz_names_the_setting_that_wechat_refuses_and_the_client_error_does_not(app: TestApp) {
        app.wechat.reply("alice", Reply::errcode(40125));
        let login = app.anonymous().login("alice").await;
        assert_eq!(login.code(), "PROVIDER_MISCONFIGURED");
        assert!(!login.text.contains("40125"), "{}", login.text);
        let ready = app.anonymous().get("/readyz").await;
        assert_eq!(ready.status, 200);
        assert!(ready.body["wechat"]["wx1"].as_str().unwrap().contains("40125"), "{}", ready.text);
    }

    async fn token_can_be_verified_with_the_public_keys(app: TestApp) {
        let alice = app.log_in("alice").await;
        let answer = app.anonymous().get("/.well-known/jwks.json").await;
        assert_eq!(answer.headers[header::CACHE_CONTROL], "public, max-age=300");
        assert!(answer.body["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()));
        let keys: JwkSet = serde_json::from_str(&answer.text).unwrap();
        let head = decode_header(&alice.token).unwrap();
        assert_eq!((head.typ.as_deref(), head.alg), (Some("at+jwt"), Algorithm::EdDSA));
        let key = DecodingKey::from_jwk(keys.find(&head.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["miniaccount"]);
        validation.set_issuer(&["miniaccount"]);
        validation.validate_exp = false; // the token expires by the test's clock
        let claims = decode::<Value>(&alice.token, &key, &validation).unwrap().claims;
        assert_eq!((&claims["sub"], &claims["sid"]), (&json!(alice.user_id), &json!(alice.session_id)));
        assert_eq!(claims["app"], "wx1");
        assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|issued| issued + 7200));
    }
}
