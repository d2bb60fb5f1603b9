//! `POST /wxa/business/getuserphonenumber`: exchanges a phone code for a phone number. `countryCode` is a number, as in
//! WeChat's example, although WeChat documents a string.

use axum::{body::Bytes, extract::State, http::Uri, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{
    api,
    phone_scenario::{Phone, PhoneScenario},
    refusal::Refusal,
    reply,
    state::EmulatorState,
    users::open_id,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct PhoneRequest {
    code: String,
    openid: String,
}

pub(super) async fn handle(State(state): State<EmulatorState>, uri: Uri, body: Bytes) -> Response {
    match scenario(&state, &uri, &body) {
        Ok((app_id, PhoneScenario::Number(phone))) => {
            state.wait(phone.delay).await;
            number(&state, &app_id, &phone)
        }
        Ok((_, PhoneScenario::Error(errcode))) => api::refuse(&state, Refusal(errcode)),
        Ok((_, PhoneScenario::Broken(broken))) => reply::broken(&state, broken).await,
        Err(refusal) => api::refuse(&state, refusal),
    }
}

fn scenario(state: &EmulatorState, uri: &Uri, body: &Bytes) -> Result<(String, PhoneScenario), Refusal> {
    let app_id = api::app_of(state, uri)?;
    let request: PhoneRequest = api::body(body)?;
    if request.code.is_empty() {
        return Err(Refusal::NO_CODE);
    }
    let scenario = match PhoneScenario::from_code(&request.code) {
        Some(scenario) => scenario?,
        None => state.redeem_phone(&request.code, &app_id)?,
    };
    if !belongs_to(&scenario, &app_id, &request.openid) {
        return Err(Refusal::INVALID_OPENID);
    }
    Ok((app_id, scenario))
}

/// Whether the code belongs to the user with this openid. Without an openid WeChat does not check this.
fn belongs_to(scenario: &PhoneScenario, app_id: &str, openid: &str) -> bool {
    let PhoneScenario::Number(Phone { user: Some(user), .. }) = scenario else { return true };
    openid.is_empty() || open_id(app_id, user) == openid
}

fn number(state: &EmulatorState, app_id: &str, phone: &Phone) -> Response {
    let national = &phone.national;
    // WeChat adds the country code only to numbers outside China
    let number = if phone.country == 86 { national.clone() } else { format!("+{}{national}", phone.country) };
    reply::wechat(&json!({
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": number,
            "purePhoneNumber": national,
            "countryCode": phone.country,
            "watermark": { "timestamp": state.now().seconds(), "appid": app_id },
        },
    }))
}
