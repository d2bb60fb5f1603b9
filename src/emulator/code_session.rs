//! `GET /sns/jscode2session`: a code against an openid, as WeChat answers it.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;

use super::{
    fake::FakeWeChat,
    people::{Person, open_id},
    push::push,
    refusal::Refusal,
    reply,
    scenario::{Login, Scenario},
};

/// WeChat's app ids have 18 characters; a bound keeps what is remembered of a code small.
pub(super) const MAX_APP_ID: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ExchangeRequest {
    appid: String,
    secret: String,
    js_code: String,
    grant_type: String,
}

pub(super) async fn answer(
    State(fake): State<FakeWeChat>,
    request: Result<Query<ExchangeRequest>, QueryRejection>,
) -> Response {
    let Query(request) = request.unwrap_or_default();
    match scenario(&fake, &request) {
        Ok(Scenario::Login(login)) => log_in(&fake, &request.appid, &login).await,
        Ok(Scenario::Push(event, login)) => {
            // before the login, so that its answer shows what the event changed
            if push(&fake, &request.appid, &login.name, event).await {
                log_in(&fake, &request.appid, &login).await
            } else {
                refuse(&fake, Refusal::BUSY)
            }
        }
        Ok(Scenario::Error(errcode)) => refuse(&fake, Refusal(errcode)),
        Ok(Scenario::Broken(broken)) => reply::broken(&fake, broken).await,
        Err(refusal) => refuse(&fake, refusal),
    }
}

pub(super) async fn refuse_method(State(fake): State<FakeWeChat>) -> Response {
    refuse(&fake, Refusal::NOT_GET)
}

fn scenario(fake: &FakeWeChat, request: &ExchangeRequest) -> Result<Scenario, Refusal> {
    request.check()?;
    match Scenario::typed(&request.js_code) {
        Some(typed) => typed,
        None => fake.redeem(&request.js_code, &request.appid),
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

async fn log_in(fake: &FakeWeChat, app_id: &str, login: &Login) -> Response {
    fake.wait(login.delay).await;
    tracing::debug!("the emulator logged somebody in");
    let session_key = fake.new_session_key(&open_id(app_id, &login.name));
    reply::wechat(&Person::new(app_id, login, session_key))
}

fn refuse(fake: &FakeWeChat, refusal: Refusal) -> Response {
    tracing::debug!(errcode = refusal.0, "the emulator refused a code");
    reply::wechat(&refusal.body(fake.now()))
}
