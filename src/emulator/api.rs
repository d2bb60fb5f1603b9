//! What the calls with an access token share: the check of the token, and the JSON body.

use axum::{
    body::Bytes,
    extract::{Query, State},
    http::Uri,
    response::Response,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{refusal::Refusal, reply, state::EmulatorState};

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenQuery {
    access_token: String,
}

/// The app that the access token of a call was issued to.
pub(super) fn app_of(state: &EmulatorState, uri: &Uri) -> Result<String, Refusal> {
    let Query(sent) = Query::<TokenQuery>::try_from_uri(uri).unwrap_or_default();
    if sent.access_token.is_empty() {
        return Err(Refusal::NO_TOKEN);
    }
    state.access_tokens().app_of(&sent.access_token, state.now())
}

/// The JSON body, whatever its Content-Type, as WeChat reads it.
pub(super) fn body<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    if body.is_empty() {
        return Err(Refusal::NO_CONTENT);
    }
    serde_json::from_slice(body).map_err(|_| Refusal::NOT_JSON)
}

pub(super) fn refuse(state: &EmulatorState, refusal: Refusal) -> Response {
    tracing::debug!(errcode = refusal.0, "the emulator refused a call");
    reply::wechat(&refusal.response(state.now()))
}

pub(super) async fn refuse_method(State(state): State<EmulatorState>) -> Response {
    refuse(&state, Refusal::NOT_POST)
}
