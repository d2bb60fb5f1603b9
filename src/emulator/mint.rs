//! `POST /emulator/code`: what `wx.login` does in the mini program, for a person with curl or a test.

use axum::{
    body::Bytes,
    extract::{Query, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{code_session::MAX_APP_ID, codes, fake::FakeWeChat, phone_scenario::PhoneScenario, scenario::Scenario};

const BAD_USER: &str = "user must be a name (1 to 64 of A-Z a-z 0-9 _ . -), or one of slow:3000:alice, nounion:alice, \
                        error:40226, reply:html";
const BAD_PHONE: &str = "phone must be a number such as +8613800000000 or 13800000000, or one of slow:500:+8613800000000, \
                         error:40029, reply:html";

/// A misspelt field is refused: a person who asked for bob shall not get alice.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MintRequest {
    pub(super) user: Option<String>,
    pub(super) appid: Option<String>,
    pub(super) phone: Option<String>,
}

#[derive(Serialize)]
struct Minted {
    code: String,
    expires_in: u64,
}

pub(super) async fn answer(State(fake): State<FakeWeChat>, uri: Uri, body: Bytes) -> Response {
    match MintRequest::read(&uri, &body).and_then(|request| mint(&fake, &request)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json + "\n").into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why + "\n").into_response(),
    }
}

fn mint(fake: &FakeWeChat, request: &MintRequest) -> Result<String, String> {
    let user = request.user.as_deref().unwrap_or("alice");
    let app_id = request.appid.as_deref().unwrap_or_default();
    if request.phone.is_some() {
        return Err("codes for telephone numbers come from /emulator/phone-code".to_owned());
    }
    if Scenario::parse(user).is_none() {
        return Err(BAD_USER.to_owned());
    }
    if app_id.len() > MAX_APP_ID {
        return Err(format!("appid must have {MAX_APP_ID} characters at most"));
    }
    let minted = Minted { code: fake.mint(app_id, user), expires_in: codes::LIFETIME.as_secs() };
    serde_json::to_string_pretty(&minted).map_err(|error| error.to_string())
}

/// `POST /emulator/phone-code`: what the `getPhoneNumber` button does in the mini program.
pub(super) async fn answer_phone(State(fake): State<FakeWeChat>, uri: Uri, body: Bytes) -> Response {
    match MintRequest::read(&uri, &body).and_then(|request| mint_phone(&fake, &request)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json + "\n").into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why + "\n").into_response(),
    }
}

fn mint_phone(fake: &FakeWeChat, request: &MintRequest) -> Result<String, String> {
    // a form turns a plus into a space
    let phone = request.phone.as_deref().unwrap_or_default().replace(' ', "+");
    let app_id = request.appid.as_deref().unwrap_or_default();
    if PhoneScenario::parse(&phone).is_none() {
        return Err(BAD_PHONE.to_owned());
    }
    if app_id.len() > MAX_APP_ID {
        return Err(format!("appid must have {MAX_APP_ID} characters at most"));
    }
    let code = fake.mint_phone(app_id, request.user.as_deref(), &phone);
    let minted = Minted { code, expires_in: codes::LIFETIME.as_secs() };
    serde_json::to_string_pretty(&minted).map_err(|error| error.to_string())
}

impl MintRequest {
    /// The body speaks before the query.
    pub(super) fn read(uri: &Uri, body: &[u8]) -> Result<Self, String> {
        let (query, body) = (Self::from_query(uri)?, Self::from_body(body)?);
        let phone = body.phone.or(query.phone);
        Ok(Self { user: body.user.or(query.user), appid: body.appid.or(query.appid), phone })
    }

    /// By its first character and not by its Content-Type: curl says "form" of JSON unless told otherwise.
    fn from_body(body: &[u8]) -> Result<Self, String> {
        let body = str::from_utf8(body).map_err(|error| error.to_string())?.trim();
        if body.starts_with('{') {
            return serde_json::from_str(body).map_err(|error| error.to_string());
        }
        // a form is a query in another place
        Self::from_query(&format!("/?{body}").parse().map_err(|_| "the body is neither JSON nor a form")?)
    }

    fn from_query(uri: &Uri) -> Result<Self, String> {
        Query::try_from_uri(uri).map(|Query(request)| request).map_err(|error| error.body_text())
    }
}
