//! What the calls with an access token have in common: whose token it is, and the JSON that was sent.

use axum::{
    body::Bytes,
    extract::{Query, State},
    http::Uri,
    response::Response,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{fake::FakeWeChat, refusal::Refusal, reply};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Authorisation {
    access_token: String,
}

/// The app whose access token the call has.
pub(super) fn app_of(fake: &FakeWeChat, uri: &Uri) -> Result<String, Refusal> {
    let Query(sent) = Query::<Authorisation>::try_from_uri(uri).unwrap_or_default();
    if sent.access_token.is_empty() {
        return Err(Refusal::NO_TOKEN);
    }
    fake.access_tokens().app_of(&sent.access_token, fake.now())
}

/// The body, by what it is and not by its Content-Type.
pub(super) fn body<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    if body.is_empty() {
        return Err(Refusal::NO_CONTENT);
    }
    serde_json::from_slice(body).map_err(|_| Refusal::NOT_JSON)
}

pub(super) fn refuse(fake: &FakeWeChat, refusal: Refusal) -> Response {
    tracing::debug!(errcode = refusal.0, "the emulator refused a call");
    reply::wechat(&refusal.body(fake.now()))
}

pub(super) async fn refuse_method(State(fake): State<FakeWeChat>) -> Response {
    refuse(&fake, Refusal::NOT_POST)
}
