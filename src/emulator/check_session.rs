//! `GET /wxa/checksession`: whether a session key is a user's present one.

use aws_lc_rs::hmac;
use axum::{
    extract::{Query, State},
    http::Uri,
    response::Response,
};
use serde::Deserialize;
use serde_json::json;

use super::{api, fake::FakeWeChat, refusal::Refusal, reply};

#[derive(Default, Deserialize)]
#[serde(default)]
struct SessionCheck {
    openid: String,
    signature: String,
    sig_method: String,
}

pub(super) async fn answer(State(fake): State<FakeWeChat>, uri: Uri) -> Response {
    match check(&fake, &uri) {
        Ok(()) => reply::wechat(&json!({ "errcode": 0, "errmsg": "ok" })),
        Err(refusal) => api::refuse(&fake, refusal),
    }
}

fn check(fake: &FakeWeChat, uri: &Uri) -> Result<(), Refusal> {
    api::app_of(fake, uri)?;
    let Query(sent) = Query::<SessionCheck>::try_from_uri(uri).unwrap_or_default();
    if sent.openid.is_empty() {
        return Err(Refusal::INVALID_OPENID);
    }
    let keys = fake.session_keys();
    let present = keys.of(&sent.openid).filter(|_| sent.sig_method == "hmac_sha256");
    present.filter(|key| signature(key) == sent.signature).map(drop).ok_or(Refusal::INVALID_SIGNATURE)
}

/// Of the empty text; the key is the session key as text.
fn signature(session_key: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_key.as_bytes());
    hex::encode(hmac::sign(&key, b""))
}
