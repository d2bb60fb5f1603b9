//! Tests with the examples of WeChat's documentation, and with arbitrary data.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The example of WeChat's documentation.
const KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
const VECTOR: &str = "r7BXXKkLb8qrSNn05n0qiA==";
const DATA: &str = concat!(
    "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOET",
    "KUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0",
    "fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorG",
    "j5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv",
    "85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==",
);

fn decrypt(data: &str, iv: &str, key: &str) -> Option<Map<String, Value>> {
    EncryptedData::read(data, vector(iv).ok()?).ok()?.open(&key.into())
}

#[test]
fn example_of_wechat_is_decrypted() {
    let data = decrypt(DATA, VECTOR, KEY).unwrap();
    assert_eq!((&data["openId"], &data["nickName"]), (&json!("oGZUI0egBJY1zhBYw2KhdUfwVJJE"), &json!("Band")));
    let made = Timestamp(1_477_314_187_000);
    assert_eq!(check_watermark(&data, "wx4f4bc4dec97d474b", made), Ok(()));
    assert_eq!(check_watermark(&data, "wx4f4bc4dec97d474c", made), Err(DataError::WrongApp));
    for (off, expected) in
        [(MAX_TIME_DIFFERENCE, Ok(())), (MAX_TIME_DIFFERENCE + Duration::from_secs(1), Err(DataError::Stale))]
    {
        assert_eq!(check_watermark(&data, "wx4f4bc4dec97d474b", made + off), expected);
        assert_eq!(check_watermark(&data, "wx4f4bc4dec97d474b", made - off), expected);
    }
    let known = known_members(data);
    assert!(["openId", "unionId", "watermark"].iter().all(|hidden| !known.contains_key(*hidden)), "{known:?}");
    assert_eq!(known["country"], json!("CN"));
}

#[test]
fn data_is_not_decrypted_with_another_key() {
    for key in ["AAAAAAAAAAAAAAAAAAAAAA==", "", "AAAA", "no base64", &format!("{KEY}{KEY}")] {
        assert!(decrypt(DATA, VECTOR, key).is_none(), "{key}");
    }
}

#[test]
fn each_malformation_has_its_error() {
    let read = |data: &str| EncryptedData::read(data, [0; 16]).err();
    assert_eq!(read(&DATA.replace('+', " ")), Some(DataError::Spaces));
    assert_eq!(read("<html>"), Some(DataError::NotBase64));
    assert_eq!(read(""), Some(DataError::DataLength));
    assert_eq!(read("AAAA"), Some(DataError::DataLength));
    assert_eq!(read(DATA.trim_end_matches('=')), None);
    assert_eq!([vector("AAAA"), vector(""), vector(&KEY.repeat(2))].map(|it| it.is_err()), [true; 3]);
    assert_eq!(vector("AAAA"), Err(DataError::VectorLength));
}

#[test]
fn example_signature_of_wechat_is_valid() {
    let raw = r#"{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}"#;
    let signed = |raw: &str, key: &str| is_signed_by(raw, "75e81ceda165f4ffa64f4068af58c64b8f54b88c", &key.into());
    assert_eq!(signed(raw, "HyVFkGl5F5OQWJZZaNzBBg=="), Ok(true));
    assert_eq!(signed(raw, KEY), Ok(false));
    assert_eq!(signed("{}", "HyVFkGl5F5OQWJZZaNzBBg=="), Ok(false));
    assert_eq!(is_signed_by(raw, "75e8", &KEY.into()), Err(DataError::SignatureLength));
}

#[test]
fn only_documented_members_are_returned() {
    let Value::Object(data) = json!({
        "phoneNumber": "13800000000", "countryCode": 86, "openId": "o", "unionId": "u", "nickName": { "openId": "o" },
        "stepInfoList": [{ "timestamp": 1, "step": 2, "openId": "o" }, { "step": 3 }], "secret": "s",
        "watermark": { "appid": "wx1" },
    }) else {
        panic!()
    };
    let expected = json!({
        "phoneNumber": "13800000000", "countryCode": 86, "stepInfoList": [{ "timestamp": 1, "step": 2 }]
    });
    assert_eq!(Value::Object(known_members(data)), expected);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(data: String, iv: String, key: String, raw: String, signature: String) {
        let _ = decrypt(&data, &iv, &key);
        let _ = is_signed_by(&raw, &signature, &key.clone().into());
        let _ = signed_object(&raw).map(known_members);
    }

    #[test]
    fn arbitrary_bytes_never_panic(data: Vec<u8>, iv: [u8; 16], key: Vec<u8>) {
        let text = |bytes: &[u8]| BASE64.encode(bytes);
        let (padded, key) = ([&data[..], &vec![0; (16 - data.len() % 16) % 16]].concat(), text(&key));
        let _ = decrypt(&text(&data), &text(&iv), &key);
        prop_assert!(decrypt(&text(&padded), &text(&iv), KEY).is_none());
    }

    #[test]
    fn arbitrary_watermark_never_panics(timestamp: i64, now: i64, appid: String) {
        let Value::Object(data) = json!({ "watermark": { "appid": appid, "timestamp": timestamp } }) else { panic!() };
        let _ = check_watermark(&data, &appid, Timestamp(now));
    }
}
