//! `POST /emulator/encrypt`: what `wx.getUserInfo` and its kin give the mini program, encrypted and signed with the session
//! key of the user's newest login. WeChat does this in the client, so that WeChat itself has no such call.

use aws_lc_rs::{
    cipher::{AES_128, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey},
    digest::{SHA1_FOR_LEGACY_USE_ONLY, digest},
};
use axum::{
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    fake::FakeWeChat,
    mint::MintRequest,
    people::{open_id, union_id},
    phone_scenario::{Phone, PhoneScenario},
};

/// The app that the server has where none is configured.
const DEFAULT_APP: &str = "wx0000000000000000";

pub(super) async fn answer(State(fake): State<FakeWeChat>, uri: Uri, body: Bytes) -> Response {
    match MintRequest::read(&uri, &body).and_then(|request| encrypt(&fake, &request)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], format!("{json:#}\n")).into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why + "\n").into_response(),
    }
}

fn encrypt(fake: &FakeWeChat, request: &MintRequest) -> Result<Value, String> {
    let user = request.user.as_deref().unwrap_or("alice");
    let app_id = request.appid.as_deref().filter(|app| !app.is_empty()).unwrap_or(DEFAULT_APP);
    let openid = open_id(app_id, user);
    let key =
        fake.session_keys().of(&openid).cloned().ok_or_else(|| format!("{user} has not logged in to {app_id}"))?;
    let raw = content(user, request.phone.as_deref())?;
    let mut data = raw.clone();
    if request.phone.is_none() {
        data["openId"] = openid.into();
        data["unionId"] = union_id(user).into();
    }
    data["watermark"] = json!({ "timestamp": fake.now().seconds(), "appid": app_id });
    let (cipher, iv) = sealed(&key, &data.to_string()).ok_or("it cannot be encrypted")?;
    let raw = raw.to_string();
    let signature = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{raw}{key}").as_bytes());
    Ok(json!({ "encryptedData": cipher, "iv": iv, "rawData": raw, "signature": hex::encode(signature) }))
}

/// A telephone number where one is named, else a profile.
fn content(user: &str, phone: Option<&str>) -> Result<Value, String> {
    let Some(phone) = phone else {
        return Ok(json!({
            "nickName": user, "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": "",
            "avatarUrl": "https://thirdwx.qlogo.cn/mmopen/vi_32/emulator/132",
        }));
    };
    // a form turns a plus into a space
    match PhoneScenario::parse(&phone.replace(' ', "+")) {
        Some(PhoneScenario::Number(Phone { country, national, .. })) => Ok(json!({
            "phoneNumber": format!("+{country}{national}"), "purePhoneNumber": national, "countryCode": country.to_string()
        })),
        _ => Err("phone must be a number such as +8613800000000".to_owned()),
    }
}

/// In base64, and the initialization vector as well.
fn sealed(session_key: &str, plain: &str) -> Option<(String, String)> {
    let key = UnboundCipherKey::new(&AES_128, &STANDARD.decode(session_key).ok()?).ok()?;
    let mut cipher = plain.as_bytes().to_vec();
    let context = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?.encrypt(&mut cipher).ok()?;
    let DecryptionContext::Iv128(iv) = context else { return None };
    Some((STANDARD.encode(cipher), STANDARD.encode(iv.as_ref())))
}
