//! `GET /sns/jscode2session`: a code against an openid, as WeChat answers it.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;

use super::{
    fake::FakeWeChat,
    people::Person,
    refusal::Refusal,
    reply,
    scenario::{Login, Scenario},
};

/// WeChat's app ids have 18 characters; a bound keeps what is remembered of a code small.
pub(super) const MAX_APP_ID: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    appid: String,
    secret: String,
    js_code: String,
    grant_type: String,
}

pub(super) async fn answer(State(fake): State<FakeWeChat>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let Query(asked) = asked.unwrap_or_default();
    match scenario(&fake, &asked) {
        Ok(Scenario::Login(login)) => log_in(&fake, &asked.appid, &login).await,
        Ok(Scenario::Error(errcode)) => refuse(&fake, Refusal(errcode)),
        Ok(Scenario::Broken(broken)) => reply::broken(&fake, broken).await,
        Err(refusal) => refuse(&fake, refusal),
    }
}

pub(super) async fn refuse_method(State(fake): State<FakeWeChat>) -> Response {
    refuse(&fake, Refusal::NOT_GET)
}

fn scenario(fake: &FakeWeChat, asked: &Asked) -> Result<Scenario, Refusal> {
    asked.check()?;
    match Scenario::typed(&asked.js_code) {
        Some(typed) => typed,
        None => fake.redeem(&asked.js_code, &asked.appid),
    }
}

impl Asked {
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
    reply::wechat(&Person::new(app_id, login))
}

fn refuse(fake: &FakeWeChat, refusal: Refusal) -> Response {
    tracing::debug!(errcode = refusal.0, "the emulator refused a code");
    reply::wechat(&refusal.body(fake.now()))
}
