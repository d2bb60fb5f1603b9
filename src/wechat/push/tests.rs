//! Tests of signatures, encryption and parsing.

use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp(1_409_659_813_000);

/// The token of WeChat's sample code.
const TOKEN: &str = "spamtest";
const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

fn keys() -> PushKeys {
    PushKeys { token: TOKEN.into(), aes_key: Some(KEY.to_vec().into()) }
}

fn query(text: &str) -> PushQuery {
    let uri = format!("/?{text}").parse().unwrap();
    axum::extract::Query::try_from_uri(&uri).unwrap().0
}

/// Encrypts a message as WeChat does.
fn encrypt(app_id: &str, message: &str) -> String {
    let mut plain = b"aaaabbbbccccdddd".to_vec();
    plain.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    plain.extend(message.bytes().chain(app_id.bytes()));
    let padding = 32 - plain.len() % 32;
    plain.extend(vec![u8::try_from(padding).unwrap(); padding]);
    let key = EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, &KEY).unwrap()).unwrap();
    let iv: [u8; 16] = KEY[..16].try_into().unwrap();
    key.less_safe_encrypt(&mut plain, EncryptionContext::Iv128(FixedLength::from(&iv))).unwrap();
    STANDARD.encode(plain)
}

fn event_of(message: &Value) -> PushEvent {
    PushEvent::of("wx1", message.as_object().unwrap()).unwrap()
}

#[test]
fn signature_is_the_hash_of_the_sorted_parts() {
    // printf '%s' 1409659813 1372623149 spamtest | sha1sum, the parts in order
    let query = query("timestamp=1409659813&nonce=1372623149&signature=d2d5313494ffae902738520d41168f541c11131b");
    assert_eq!(keys().verify(&query, NOW), Ok(()));
    for wrong in ["", "&signature=", "&signature=00"] {
        let query = self::query(&format!("timestamp=1409659813&nonce=1372623149{wrong}"));
        assert_eq!(keys().verify(&query, NOW), Err(PushRefusal::Signature), "{wrong}");
    }
}

#[test]
fn signature_is_valid_within_ten_minutes() {
    let query = query("timestamp=1409659813&nonce=1372623149&signature=d2d5313494ffae902738520d41168f541c11131b");
    for (seconds, expected) in [(600, Ok(())), (601, Err(PushRefusal::Signature))] {
        let distance = Duration::from_secs(seconds);
        assert_eq!(keys().verify(&query, NOW + distance), expected);
        assert_eq!(keys().verify(&query, NOW - distance), expected);
    }
}

#[test]
fn message_is_decrypted_only_for_its_mini_program() {
    for length in 0..100 {
        let message = "x".repeat(length);
        let encrypted = encrypt("wx1", &message);
        assert_eq!(cipher::open(&KEY, "wx1", &encrypted).as_deref(), Some(message.as_bytes()));
        assert_eq!(cipher::open(&KEY, "wx2", &encrypted), None);
        assert_eq!(cipher::open(&[7; 32], "wx1", &encrypted), None);
    }
}

#[test]
fn json_and_xml_have_the_same_content() {
    let xml = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o_1]]></FromUserName>
        <CreateTime>1409659813</CreateTime><MsgType><![CDATA[event]]></MsgType>
        <Event><![CDATA[user_authorization_revoke]]></Event><RevokeInfo>6</RevokeInfo><RevokeInfo>8</RevokeInfo></xml>";
    let json = json!({ "ToUserName": "gh_1", "FromUserName": "o_1", "CreateTime": "1409659813", "MsgType": "event",
        "Event": "user_authorization_revoke", "RevokeInfo": ["6", "8"] });
    assert_eq!(Value::from(message::parse(xml.as_bytes()).unwrap()), json);
    assert_eq!(Value::from(message::parse(json.to_string().as_bytes()).unwrap()), json);
}

#[test]
fn document_type_and_deep_nesting_are_refused() {
    let bomb = r#"<!DOCTYPE xml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Event>&b;</Event></xml>"#;
    assert_eq!(message::parse(bomb.as_bytes()), None);
    let deep = format!("<xml>{}{}</xml>", "<a>".repeat(20), "</a>".repeat(20));
    assert_eq!(message::parse(deep.as_bytes()), None);
}

#[test]
fn every_form_of_a_revocation_is_read() {
    let revoked = |info: Value| match event_of(
        &json!({ "MsgType": "event", "Event": "user_authorization_revoke", "RevokeInfo": info }),
    )
    .kind
    {
        PushKind::Revoked(Revoked { nickname, avatar, phone }) => (nickname, avatar, phone),
        other => panic!("{other:?}"),
    };
    for (info, expected) in [
        (json!("6"), (true, true, false)),
        (json!(6), (true, true, false)),
        (json!([8]), (false, false, true)),
        (json!(["19", 8]), (true, false, true)),
        (json!("8,20"), (false, true, true)),
        (json!(16), (false, false, false)),
        (json!("68"), (false, false, false)),
        (Value::Null, (false, false, false)),
    ] {
        assert_eq!(revoked(info.clone()), expected, "{info}");
    }
}

#[test]
fn user_is_the_openid_or_the_sender_or_missing() {
    let openid = |message: Value| event_of(&message).openid.map(|openid| openid.0);
    let event = |more: Value| {
        let mut message = json!({ "MsgType": "event", "Event": "user_info_modified" });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    assert_eq!(openid(event(json!({ "OpenID": "o_1", "FromUserName": "o_2" }))).as_deref(), Some("o_1"));
    assert_eq!(openid(event(json!({ "OpenID": "", "FromUserName": "o_2" }))).as_deref(), Some("o_2"));
    assert_eq!(openid(event(json!({}))), None);
}

#[test]
fn different_events_have_different_hashes() {
    let event = json!({ "MsgType": "event", "Event": "user_authorization_revoke", "OpenID": "o_1", "CreateTime": 1 });
    let hash = |app: &str, name: &str, value: Value| {
        let mut message = event.clone();
        message[name] = value;
        PushEvent::of(app, message.as_object().unwrap()).unwrap().hash
    };
    let same = hash("wx1", "CreateTime", json!("1"));
    assert_eq!(hash("wx1", "CreateTime", json!(1)), same);
    for other in [
        hash("wx2", "CreateTime", json!(1)),
        hash("wx1", "CreateTime", json!(2)),
        hash("wx1", "OpenID", json!("o_2")),
        hash("wx1", "RevokeInfo", json!("8")),
    ] {
        assert_ne!(other, same);
    }
}

proptest! {
    #[test]
    fn arbitrary_messages_never_panic(text in ".{0,200}", bytes: Vec<u8>) {
        let _ = (message::parse(text.as_bytes()), message::parse(&bytes), message::parse(format!("<x>{text}</x>").as_bytes()));
        let _ = (cipher::open(&KEY, "wx1", &text), cipher::open(&KEY, "wx1", &STANDARD.encode(&bytes)));
        let blocks = vec![7; bytes.len() / 16 * 16];
        let _ = cipher::open(&KEY, "wx1", &STANDARD.encode(blocks));
    }
}
