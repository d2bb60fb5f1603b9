//! `GET /wxa/checksession`: whether a session key is a user's current one.

use aws_lc_rs::hmac;
use axum::{
    extract::{Query, State},
    http::Uri,
    response::Response,
};
use serde::Deserialize;
use serde_json::json;

use super::{api, refusal::Refusal, reply, state::EmulatorState};

#[derive(Default, Deserialize)]
#[serde(default)]
struct SessionCheck {
    openid: String,
    signature: String,
    sig_method: String,
}

pub(super) async fn handle(State(state): State<EmulatorState>, uri: Uri) -> Response {
    match check(&state, &uri) {
        Ok(()) => reply::wechat(&json!({ "errcode": 0, "errmsg": "ok" })),
        Err(refusal) => api::refuse(&state, refusal),
    }
}

fn check(state: &EmulatorState, uri: &Uri) -> Result<(), Refusal> {
    api::app_of(state, uri)?;
    let Query(sent) = Query::<SessionCheck>::try_from_uri(uri).unwrap_or_default();
    if sent.openid.is_empty() {
        return Err(Refusal::INVALID_OPENID);
    }
    let keys = state.session_keys();
    let current = keys.of(&sent.openid).filter(|_| sent.sig_method == "hmac_sha256");
    current.filter(|key| signature(key) == sent.signature).map(drop).ok_or(Refusal::INVALID_SIGNATURE)
}

/// The signature of the empty text, with the text of the session key as the key.
fn signature(session_key: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_key.as_bytes());
    hex::encode(hmac::sign(&key, b""))
}
