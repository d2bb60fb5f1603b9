//! `POST /cgi-bin/stable_token` in its normal mode.

use axum::{body::Bytes, extract::State, response::Response};
use serde::Deserialize;
use serde_json::Value;

use super::{api, code_session::MAX_APP_ID, fake::FakeWeChat, refusal::Refusal, reply};

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRequest {
    grant_type: String,
    appid: String,
    secret: String,
    force_refresh: Option<Value>,
}

pub(super) async fn answer(State(fake): State<FakeWeChat>, body: Bytes) -> Response {
    match api::body::<TokenRequest>(&body).and_then(|request| request.check().map(|()| request)) {
        Ok(request) => reply::wechat(&fake.access_tokens().issue(request.appid, fake.now())),
        Err(refusal) => api::refuse(&fake, refusal),
    }
}

impl TokenRequest {
    fn check(&self) -> Result<(), Refusal> {
        let wrong = [
            (self.grant_type != "client_credential", Refusal::WRONG_GRANT_TYPE),
            (self.appid.is_empty(), Refusal::NO_APP_ID),
            (self.appid.len() > MAX_APP_ID, Refusal::INVALID_APP_ID),
            (self.secret.is_empty(), Refusal::NO_SECRET),
            // a text such as "false" is what clients get wrong
            (self.force_refresh.as_ref().is_some_and(|force| *force != Value::Bool(false)), Refusal::NOT_JSON),
        ];
        wrong.into_iter().find_map(|(wrong, refusal)| wrong.then_some(refusal)).map_or(Ok(()), Err)
    }
}
