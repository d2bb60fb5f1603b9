//! `GET /sns/jscode2session`: exchanges a login code for an openid and a session key.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;

use super::{
    push::push,
    refusal::Refusal,
    reply,
    scenario::{Login, Scenario},
    state::EmulatorState,
    users::{SessionResponse, open_id},
};

/// The longest appid. WeChat's have 18 characters; the limit bounds the memory of a code.
pub(super) const MAX_APP_ID: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ExchangeRequest {
    appid: String,
    secret: String,
    js_code: String,
    grant_type: String,
}

pub(super) async fn handle(
    State(state): State<EmulatorState>,
    request: Result<Query<ExchangeRequest>, QueryRejection>,
) -> Response {
    let Query(request) = request.unwrap_or_default();
    match scenario(&state, &request) {
        Ok(Scenario::Login(login)) => log_in(&state, &request.appid, &login).await,
        Ok(Scenario::Push(event, login)) => {
            // before the login, so that the login's response shows the effect of the event
            if push(&state, &request.appid, &login.name, event).await {
                log_in(&state, &request.appid, &login).await
            } else {
                refuse(&state, Refusal::BUSY)
            }
        }
        Ok(Scenario::Error(errcode)) => refuse(&state, Refusal(errcode)),
        Ok(Scenario::Broken(broken)) => reply::broken(&state, broken).await,
        Err(refusal) => refuse(&state, refusal),
    }
}

pub(super) async fn refuse_method(State(state): State<EmulatorState>) -> Response {
    refuse(&state, Refusal::NOT_GET)
}

fn scenario(state: &EmulatorState, request: &ExchangeRequest) -> Result<Scenario, Refusal> {
    request.check()?;
    match Scenario::from_code(&request.js_code) {
        Some(scenario) => scenario,
        None => state.redeem(&request.js_code, &request.appid),
    }
}

impl ExchangeRequest {
    fn check(&self) -> Result<(), Refusal> {
        let wrong = [
            (self.appid.is_empty(), Refusal::NO_APP_ID),
            (self.appid.len() > MAX_APP_ID, Refusal::INVALID_APP_ID),
            (self.secret.is_empty(), Refusal::NO_SECRET),
            (self.js_code.is_empty(), Refusal::NO_CODE),
            (self.grant_type != "authorization_code", Refusal::WRONG_GRANT_TYPE),
        ];
        wrong.into_iter().find_map(|(wrong, refusal)| wrong.then_some(refusal)).map_or(Ok(()), Err)
    }
}

async fn log_in(state: &EmulatorState, app_id: &str, login: &Login) -> Response {
    state.wait(login.delay).await;
    tracing::debug!("the emulator logged a user in");
    let session_key = state.new_session_key(&open_id(app_id, &login.name));
    reply::wechat(&SessionResponse::new(app_id, login, session_key))
}

fn refuse(state: &EmulatorState, refusal: Refusal) -> Response {
    tracing::debug!(errcode = refusal.0, "the emulator refused a code");
    reply::wechat(&refusal.response(state.now()))
}
