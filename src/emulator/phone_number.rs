//! `POST /wxa/business/getuserphonenumber`: a phone code against a number, as WeChat answers it. The country is a number
//! there, though WeChat's description says text.

use axum::{body::Bytes, extract::State, http::Uri, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{
    api,
    fake::FakeWeChat,
    people::open_id,
    phone_scenario::{Phone, PhoneScenario},
    refusal::Refusal,
    reply,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct PhoneRequest {
    code: String,
    openid: String,
}

pub(super) async fn answer(State(fake): State<FakeWeChat>, uri: Uri, body: Bytes) -> Response {
    match scenario(&fake, &uri, &body) {
        Ok((app_id, PhoneScenario::Number(phone))) => {
            fake.wait(phone.delay).await;
            number(&fake, &app_id, &phone)
        }
        Ok((_, PhoneScenario::Error(errcode))) => api::refuse(&fake, Refusal(errcode)),
        Ok((_, PhoneScenario::Broken(broken))) => reply::broken(&fake, broken).await,
        Err(refusal) => api::refuse(&fake, refusal),
    }
}

fn scenario(fake: &FakeWeChat, uri: &Uri, body: &Bytes) -> Result<(String, PhoneScenario), Refusal> {
    let app_id = api::app_of(fake, uri)?;
    let request: PhoneRequest = api::body(body)?;
    if request.code.is_empty() {
        return Err(Refusal::NO_CODE);
    }
    let scenario = match PhoneScenario::typed(&request.code) {
        Some(typed) => typed?,
        None => fake.redeem_phone(&request.code, &app_id)?,
    };
    if !belongs_to(&scenario, &app_id, &request.openid) {
        return Err(Refusal::INVALID_OPENID);
    }
    Ok((app_id, scenario))
}

/// Whether the code is one of the user with this openid; without an openid WeChat does not look.
fn belongs_to(scenario: &PhoneScenario, app_id: &str, openid: &str) -> bool {
    let PhoneScenario::Number(Phone { user: Some(user), .. }) = scenario else { return true };
    openid.is_empty() || open_id(app_id, user) == openid
}

fn number(fake: &FakeWeChat, app_id: &str, phone: &Phone) -> Response {
    let national = &phone.national;
    // WeChat writes the country before a foreign number only
    let number = if phone.country == 86 { national.clone() } else { format!("+{}{national}", phone.country) };
    reply::wechat(&json!({
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": number,
            "purePhoneNumber": national,
            "countryCode": phone.country,
            "watermark": { "timestamp": fake.now().seconds(), "appid": app_id },
        },
    }))
}
