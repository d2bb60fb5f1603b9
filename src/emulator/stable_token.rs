//! `POST /cgi-bin/stable_token` in its normal mode: issues an access token.

use axum::{body::Bytes, extract::State, response::Response};
use serde::Deserialize;
use serde_json::Value;

use super::{api, code_session::MAX_APP_ID, refusal::Refusal, reply, state::EmulatorState};

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRequest {
    grant_type: String,
    appid: String,
    secret: String,
    force_refresh: Option<Value>,
}

pub(super) async fn handle(State(state): State<EmulatorState>, body: Bytes) -> Response {
    match api::body::<TokenRequest>(&body).and_then(|request| request.check().map(|()| request)) {
        Ok(request) => reply::wechat(&state.access_tokens().issue(request.appid, state.now())),
        Err(refusal) => api::refuse(&state, refusal),
    }
}

impl TokenRequest {
    fn check(&self) -> Result<(), Refusal> {
        let wrong = [
            (self.grant_type != "client_credential", Refusal::WRONG_GRANT_TYPE),
            (self.appid.is_empty(), Refusal::NO_APP_ID),
            (self.appid.len() > MAX_APP_ID, Refusal::INVALID_APP_ID),
            (self.secret.is_empty(), Refusal::NO_SECRET),
            // a string such as "false" is a common mistake of clients
            (self.force_refresh.as_ref().is_some_and(|force| *force != Value::Bool(false)), Refusal::NOT_JSON),
        ];
        wrong.into_iter().find_map(|(wrong, refusal)| wrong.then_some(refusal)).map_or(Ok(()), Err)
    }
}
