//! `/wechat/push/{appid}`: which messages are accepted, what they do, and that each takes effect once.

use std::time::Duration;

use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    digest::{SHA1_FOR_LEGACY_USE_ONLY, digest},
    iv::FixedLength,
};
use axum::http::{Request, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use entity::{push_event, user};
use miniaccount::clock::Clock;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::harness::{ApiResponse, TestApp, TestUser, user_key};

const TOKEN: &str = "push-token";

/// The decoded key of the tests' settings. WeChat shows it in base64 without the padding.
const AES_BYTES: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

const NONCE: &str = "1372623149";

fn sha1(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
    hex::encode(hash)
}

/// The path of a plain push that is signed now.
fn signed(app: &TestApp, app_id: &str) -> String {
    let time = app.clock.now().seconds().to_string();
    let signature = sha1(&[TOKEN, &time, NONCE]);
    format!("/wechat/push/{app_id}?signature={signature}&timestamp={time}&nonce={NONCE}")
}

/// Posts a body like WeChat, which always sends `text/xml`.
async fn push(app: &TestApp, address: &str, body: impl Into<axum::body::Body>) -> ApiResponse {
    app.anonymous().send(Request::post(address).header(header::CONTENT_TYPE, "text/xml"), body).await
}

/// Pushes a plain JSON event, which must be accepted.
pub(crate) async fn deliver_event(app: &TestApp, message: &Value) {
    let answer = push(app, &signed(app, "wx1"), message.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "success"));
}

pub(crate) fn event(name: &str, openid: &str, time: i64) -> Value {
    json!({ "ToUserName": "gh_1", "FromUserName": openid, "CreateTime": time, "MsgType": "event", "Event": name,
        "OpenID": openid, "AppID": "wx1", "PluginID": "", "OpenPID": "" })
}

pub(crate) fn revocation(openid: &str, info: Value) -> Value {
    let mut message = event("user_authorization_revoke", openid, 1);
    message["RevokeInfo"] = info;
    message
}

/// Encrypts a message as WeChat does.
fn seal(app_id: &str, message: &str) -> String {
    let mut plain = b"aaaabbbbccccdddd".to_vec();
    plain.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    plain.extend(message.bytes().chain(app_id.bytes()));
    let padding = 32 - plain.len() % 32;
    plain.extend(vec![u8::try_from(padding).unwrap(); padding]);
    let key = EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, &AES_BYTES).unwrap()).unwrap();
    let iv: [u8; 16] = AES_BYTES[..16].try_into().unwrap();
    key.less_safe_encrypt(&mut plain, EncryptionContext::Iv128(FixedLength::from(&iv))).unwrap();
    STANDARD.encode(plain)
}

/// The path of an encrypted push.
fn signed_sealed(app: &TestApp, sealed: &str) -> String {
    let time = app.clock.now().seconds().to_string();
    let signature = sha1(&[TOKEN, &time, NONCE, sealed]);
    format!("/wechat/push/wx1?encrypt_type=aes&msg_signature={signature}&timestamp={time}&nonce={NONCE}")
}

/// A user with a nickname, an avatar and a telephone number.
async fn user_with_profile(app: &TestApp, name: &str) -> TestUser {
    let user = app.log_in(name).await;
    fill_profile(app, &user).await;
    user
}

async fn fill_profile(app: &TestApp, user: &TestUser) {
    let update = "mutation { updateProfile(input: { nickname: \"Alice\", avatarUrl: \"https://media.example/1\" }) {
        userErrors { code } } }";
    user.client.graphql(update, json!({})).await.data();
    let sealed = app.keys.seal(&["test"], user.user_id.as_bytes()).unwrap();
    let phone = user::Entity::update_many().col_expr(user::Column::SealedPhone, Expr::value(sealed));
    phone.filter(user::Column::Id.eq(user_key(user))).exec(&app.db().await).await.unwrap();
}

/// Whether the nickname, the avatar and the telephone number are set.
async fn profile_is_set(app: &TestApp, user: &TestUser) -> [bool; 3] {
    let row = user::Entity::find_by_id(user_key(user)).one(&app.db().await).await.unwrap().unwrap();
    [row.nickname.is_some(), row.avatar_url.is_some(), row.sealed_phone.is_some()]
}

async fn recorded_events(app: &TestApp) -> u64 {
    push_event::Entity::find().count(&app.db().await).await.unwrap()
}

on_each_database! {
    async fn revocation_deletes_only_the_named_data(app: TestApp, [("WECHAT_PUSH_TOKEN", "push-token")]) {
        let bob = user_with_profile(&app, "bob").await;
        for (n, info, expected) in [
            (0, json!("6"), [false, false, true]),
            (1, json!([8]), [true, true, false]),
            (2, json!(19), [false, true, true]),
            (3, json!("20"), [true, false, true]),
            (4, json!(["8", 20]), [true, false, false]),
            (5, json!("16"), [true, true, true]),
        ] {
            let alice = user_with_profile(&app, &format!("alice{n}")).await;
            deliver_event(&app, &revocation(&format!("o_alice{n}"), info.clone())).await;
            assert_eq!(profile_is_set(&app, &alice).await, expected, "{info}");
        }
        assert_eq!(profile_is_set(&app, &bob).await, [true; 3]);
    }

    async fn data_removed_by_wechat_is_cleared_on_every_node_within_a_second(
        app: TestApp,
        [("WECHAT_PUSH_TOKEN", "push-token")]
    ) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let alice = user_with_profile(&app, "alice").await;
        let elsewhere = other.with_token(&alice.token);
        let nickname =
            async || elsewhere.graphql("{ me { nickname } }", json!({})).await.data()["me"]["nickname"].clone();
        assert_eq!(nickname().await, "Alice");
        deliver_event(&app, &event("user_info_modified", "o_alice", 1)).await;
        let done = std::time::Instant::now();
        loop {
            let began = done.elapsed();
            if nickname().await.is_null() {
                break;
            }
            assert!(began < Duration::from_secs(1), "visible {began:?} after the push");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(profile_is_set(&app, &alice).await, [false, false, true]);
    }

    async fn cancellation_schedules_the_deletion_and_does_not_postpone_it(
        app: TestApp,
        [("WECHAT_PUSH_TOKEN", "push-token")]
    ) {
        let alice = user_with_profile(&app, "alice").await;
        let deletes_at = async || {
            let row = user::Entity::find_by_id(user_key(&alice)).one(&app.db().await).await.unwrap().unwrap();
            row.deletes_at
        };
        assert_eq!(deletes_at().await, None);
        deliver_event(&app, &event("user_authorization_cancellation", "o_alice", 1)).await;
        let scheduled = deletes_at().await;
        assert_eq!(scheduled, Some(app.clock.now() + Duration::from_hours(15 * 24)));
        app.clock.advance(Duration::from_mins(1));
        deliver_event(&app, &event("user_authorization_cancellation", "o_alice", 2)).await;
        assert_eq!((deletes_at().await, profile_is_set(&app, &alice).await), (scheduled, [true; 3]));
    }

    async fn repeated_event_takes_effect_once(app: TestApp, [("WECHAT_PUSH_TOKEN", "push-token")]) {
        let alice = user_with_profile(&app, "alice").await;
        let revoked = revocation("o_alice", json!("6"));
        deliver_event(&app, &revoked).await;
        fill_profile(&app, &alice).await;
        deliver_event(&app, &revoked).await;
        assert_eq!(profile_is_set(&app, &alice).await, [true; 3], "a repeated event must not delete newer data");
        assert_eq!(recorded_events(&app).await, 1);
        let mut later = revoked;
        later["CreateTime"] = json!(2);
        deliver_event(&app, &later).await;
        assert_eq!(profile_is_set(&app, &alice).await, [false, false, true]);
        app.clock.advance(Duration::from_hours(25));
        app.accounts.purge().await.unwrap();
        assert_eq!(recorded_events(&app).await, 0);
    }

    async fn event_received_by_two_nodes_takes_effect_once(app: TestApp, [("WECHAT_PUSH_TOKEN", "push-token")]) {
        let other = app.another_node().await;
        let alice = user_with_profile(&app, "alice").await;
        let before = entity::feed::Entity::find().count(&app.db().await).await.unwrap();
        let message = event("user_info_modified", "o_alice", 1);
        let pushes = (0..10).map(|n| {
            let (app, message) = (if n % 2 == 0 { app.clone() } else { other.clone() }, message.clone());
            tokio::spawn(async move { deliver_event(&app, &message).await })
        });
        for push in pushes.collect::<Vec<_>>() {
            push.await.unwrap();
        }
        assert_eq!(profile_is_set(&app, &alice).await, [false, false, true]);
        let published = entity::feed::Entity::find().count(&app.db().await).await.unwrap() - before;
        assert_eq!((recorded_events(&app).await, published), (1, 1));
    }

    async fn encrypted_message_is_decrypted(
        app: TestApp,
        [("WECHAT_PUSH_TOKEN", "push-token"), ("WECHAT_PUSH_AES_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY")]
    ) {
        let alice = user_with_profile(&app, "alice").await;
        let sealed = seal("wx1", &revocation("o_alice", json!("19")).to_string());
        let body = json!({ "ToUserName": "gh_1", "Encrypt": sealed });
        let answer = push(&app, &signed_sealed(&app, &sealed), body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "success"));
        assert_eq!(profile_is_set(&app, &alice).await, [false, true, true]);
        let inside = "<xml><FromUserName><![CDATA[o_alice]]></FromUserName><CreateTime>7</CreateTime>
            <MsgType><![CDATA[event]]></MsgType><Event><![CDATA[user_authorization_revoke]]></Event>
            <RevokeInfo><![CDATA[20]]></RevokeInfo></xml>";
        let sealed = seal("wx1", inside);
        let body =
            format!("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>");
        push(&app, &signed_sealed(&app, &sealed), body).await;
        assert_eq!(profile_is_set(&app, &alice).await, [false, false, true]);
    }
}

on_any_database! {
    async fn verification_request_is_answered_if_its_signature_is_valid(
        app: TestApp,
        [("WECHAT_PUSH_TOKEN", "push-token")]
    ) {
        let answer = app.anonymous().get(&format!("{}&echostr=48199%3Cb%3E", signed(&app, "wx1"))).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "48199<b>"));
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
        for wrong in [
            "/wechat/push/wx1",
            "/wechat/push/wx1?echostr=1",
            &format!("{}x", signed(&app, "wx1")).replace("nonce=", "nonce=9"),
        ] {
            let answer = app.anonymous().get(wrong).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (403, "FORBIDDEN"), "{wrong}");
        }
    }

    async fn wrong_or_old_signature_is_refused(
        app: TestApp,
        [("WECHAT_PUSH_TOKEN", "push-token"), ("WECHAT_PUSH_AES_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY")]
    ) {
        let alice = user_with_profile(&app, "alice").await;
        let message = event("user_info_modified", "o_alice", 1).to_string();
        let address = signed(&app, "wx1");
        let sealed = seal("wx1", &message);
        let of_another_app = seal("wx2", &message);
        let encrypted = |sealed: &str| json!({ "Encrypt": sealed }).to_string();
        for (address, body) in [
            ("/wechat/push/wx1".to_owned(), message.clone()),
            (address.replace("signature=", "signature=0"), message.clone()),
            (signed(&app, "wx1").replace("timestamp=1", "timestamp=2"), message.clone()),
            // a plain signature is not valid for an encrypted message
            (format!("{address}&encrypt_type=aes"), encrypted(&sealed)),
            (signed_sealed(&app, "other"), encrypted(&sealed)),
            (signed_sealed(&app, &of_another_app), encrypted(&of_another_app)),
            (signed_sealed(&app, "AAAA"), encrypted("AAAA")),
            (signed_sealed(&app, ""), message.clone()),
        ] {
            let answer = push(&app, &address, body).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (403, "FORBIDDEN"), "{address}");
        }
        app.clock.advance(Duration::from_secs(601));
        assert_eq!(push(&app, &address, message).await.status, 403, "too old");
        assert_eq!((profile_is_set(&app, &alice).await, recorded_events(&app).await), ([true; 3], 0));
    }

    async fn route_exists_only_for_known_mini_programs_and_with_a_token(
        app: TestApp,
        [("WECHAT_PUSH_TOKEN", "push-token")]
    ) {
        let message = event("user_info_modified", "o_alice", 1).to_string();
        for unknown in ["wx3", "", "wx1%2F"] {
            let answer = push(&app, &signed(&app, unknown), message.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (404, "NOT_FOUND"), "{unknown}");
        }
        let without = app.another_node_with(&[("WECHAT_PUSH_TOKEN", "")]).await;
        assert_eq!(push(&without, &signed(&app, "wx1"), message).await.code(), "NOT_FOUND");
        assert_eq!(without.anonymous().get(&signed(&app, "wx1")).await.code(), "NOT_FOUND");
        // before a body is read
        let long = "x".repeat(100 * 1024);
        assert_eq!(push(&app, &signed(&app, "wx3"), long.clone()).await.code(), "NOT_FOUND");
        assert_eq!(push(&app, "/wechat/push/wx1?signature=0&timestamp=0&nonce=0", long).await.code(), "FORBIDDEN");
    }

    async fn body_with_thousands_of_namespaces_is_refused_quickly(app: TestApp, [("WECHAT_PUSH_TOKEN", "push-token")]) {
        let namespaces: String = (0..1700).map(|n| format!(" xmlns:a{n}='b{n}'")).collect::<Vec<_>>().concat();
        let body = format!("<xml{namespaces}>{}</xml>", "<a xmlns:q0='z'/>".repeat(1700));
        let address = format!("/wechat/push/wx1?encrypt_type=aes&timestamp={}&nonce=1", app.clock.now().seconds());
        let answer = tokio::time::timeout(Duration::from_secs(10), push(&app, &address, body)).await.unwrap();
        assert_eq!(answer.code(), "FORBIDDEN");
        let answer = push(&app, &signed(&app, "wx1"), format!("<xml>{}</xml>", "<a/>".repeat(2000))).await;
        assert_eq!(answer.code(), "BAD_REQUEST");
    }

    async fn body_of_a_megabyte_is_refused(app: TestApp, [("WECHAT_PUSH_TOKEN", "push-token")]) {
        let answer = push(&app, &signed(&app, "wx1"), "x".repeat(1024 * 1024)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (413, "PAYLOAD_TOO_LARGE"));
    }

    async fn unreadable_message_is_refused_and_irrelevant_message_is_acknowledged(
        app: TestApp,
        [("WECHAT_PUSH_TOKEN", "push-token")]
    ) {
        for invalid in ["", "hello", "{", "[]", "<xml>", "<!DOCTYPE x [<!ENTITY a \"b\">]><xml>&a;</xml>"] {
            assert_eq!(push(&app, &signed(&app, "wx1"), invalid).await.code(), "BAD_REQUEST", "{invalid}");
        }
        for message in [
            event("user_info_modified", "o_nobody", 1),
            event("something_new", "o_alice", 1),
            json!({ "MsgType": "event", "Event": "user_info_modified" }),
            json!({ "MsgType": "text", "Content": "hello" }),
            json!({}),
        ] {
            deliver_event(&app, &message).await;
        }
        let xml = "<xml><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[user_info_modified]]></Event></xml>";
        assert_eq!(push(&app, &signed(&app, "wx1"), xml).await.text, "success");
    }
}
