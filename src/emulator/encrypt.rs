//! `POST /emulator/encrypt`: data like those of `wx.getUserInfo` or the `getPhoneNumber` button, encrypted and signed
//! with the session key of the user's latest login. WeChat's API has no such call: there the client gets the data.

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
    mint::MintRequest,
    phone_scenario::{Phone, PhoneScenario},
    state::EmulatorState,
    users::{open_id, union_id},
};

/// The app that the server uses if none is configured.
const DEFAULT_APP: &str = "wx0000000000000000";

pub(super) async fn handle(State(state): State<EmulatorState>, uri: Uri, body: Bytes) -> Response {
    match MintRequest::read(&uri, &body).and_then(|request| encrypt(&state, &request)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], format!("{json:#}\n")).into_response(),
        Err(reason) => (StatusCode::BAD_REQUEST, reason + "\n").into_response(),
    }
}

fn encrypt(state: &EmulatorState, request: &MintRequest) -> Result<Value, String> {
    let user = request.user.as_deref().unwrap_or("alice");
    let app_id = request.appid.as_deref().filter(|app| !app.is_empty()).unwrap_or(DEFAULT_APP);
    let openid = open_id(app_id, user);
    let key =
        state.session_keys().of(&openid).cloned().ok_or_else(|| format!("{user} has not logged in to {app_id}"))?;
    let raw = content(user, request.phone.as_deref())?;
    let mut data = raw.clone();
    if request.phone.is_none() {
        data["openId"] = openid.into();
        data["unionId"] = union_id(user).into();
    }
    data["watermark"] = json!({ "timestamp": state.now().seconds(), "appid": app_id });
    let (cipher, iv) = encrypted(&key, &data.to_string()).ok_or("the data cannot be encrypted")?;
    let raw = raw.to_string();
    let signature = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{raw}{key}").as_bytes());
    Ok(json!({ "encryptedData": cipher, "iv": iv, "rawData": raw, "signature": hex::encode(signature) }))
}

/// A phone number if the request has one, otherwise a profile.
fn content(user: &str, phone: Option<&str>) -> Result<Value, String> {
    let Some(phone) = phone else {
        return Ok(json!({
            "nickName": user, "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": "",
            "avatarUrl": "https://thirdwx.qlogo.cn/mmopen/vi_32/emulator/132",
        }));
    };
    // in a form, a plus sign stands for a space
    match PhoneScenario::parse(&phone.replace(' ', "+")) {
        Some(PhoneScenario::Number(Phone { country, national, .. })) => Ok(json!({
            "phoneNumber": format!("+{country}{national}"), "purePhoneNumber": national, "countryCode": country.to_string()
        })),
        _ => Err("phone must be a number such as +8613800000000".to_owned()),
    }
}

/// The ciphertext and the initialization vector, both in base64.
fn encrypted(session_key: &str, plain: &str) -> Option<(String, String)> {
    let key = UnboundCipherKey::new(&AES_128, &STANDARD.decode(session_key).ok()?).ok()?;
    let mut cipher = plain.as_bytes().to_vec();
    let context = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?.encrypt(&mut cipher).ok()?;
    let DecryptionContext::Iv128(iv) = context else { return None };
    Some((STANDARD.encode(cipher), STANDARD.encode(iv.as_ref())))
}
