//! `POST /emulator/code` and `POST /emulator/phone-code`: create one-time codes, in place of `wx.login` and of the
//! `getPhoneNumber` button, for curl and tests.

use axum::{
    body::Bytes,
    extract::{Query, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{code_session::MAX_APP_ID, codes, phone_scenario::PhoneScenario, scenario::Scenario, state::EmulatorState};

const BAD_USER: &str = "user must be a name (1 to 64 of A-Z a-z 0-9 _ . -), or one of slow:3000:alice, nounion:alice, \
                        error:40226, reply:html";
const BAD_PHONE: &str = "phone must be a number such as +8613800000000 or 13800000000, or one of slow:500:+8613800000000, \
                         error:40029, reply:html";

/// The fields of a request. Unknown fields are refused: a misspelt `user` would otherwise log in alice.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MintRequest {
    pub(super) user: Option<String>,
    pub(super) appid: Option<String>,
    pub(super) phone: Option<String>,
}

/// The response with a new code.
#[derive(Serialize)]
struct Minted {
    code: String,
    expires_in: u64,
}

pub(super) async fn handle(State(state): State<EmulatorState>, uri: Uri, body: Bytes) -> Response {
    match MintRequest::read(&uri, &body).and_then(|request| mint(&state, &request)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json + "\n").into_response(),
        Err(reason) => (StatusCode::BAD_REQUEST, reason + "\n").into_response(),
    }
}

fn mint(state: &EmulatorState, request: &MintRequest) -> Result<String, String> {
    let user = request.user.as_deref().unwrap_or("alice");
    let app_id = request.appid.as_deref().unwrap_or_default();
    if request.phone.is_some() {
        return Err("codes for phone numbers come from /emulator/phone-code".to_owned());
    }
    if Scenario::parse(user).is_none() {
        return Err(BAD_USER.to_owned());
    }
    if app_id.len() > MAX_APP_ID {
        return Err(format!("appid must have {MAX_APP_ID} characters at most"));
    }
    let minted = Minted { code: state.mint(app_id, user), expires_in: codes::LIFETIME.as_secs() };
    serde_json::to_string_pretty(&minted).map_err(|error| error.to_string())
}

/// `POST /emulator/phone-code`
pub(super) async fn handle_phone(State(state): State<EmulatorState>, uri: Uri, body: Bytes) -> Response {
    match MintRequest::read(&uri, &body).and_then(|request| mint_phone(&state, &request)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json + "\n").into_response(),
        Err(reason) => (StatusCode::BAD_REQUEST, reason + "\n").into_response(),
    }
}

fn mint_phone(state: &EmulatorState, request: &MintRequest) -> Result<String, String> {
    // in a form, a plus sign stands for a space
    let phone = request.phone.as_deref().unwrap_or_default().replace(' ', "+");
    let app_id = request.appid.as_deref().unwrap_or_default();
    if PhoneScenario::parse(&phone).is_none() {
        return Err(BAD_PHONE.to_owned());
    }
    if app_id.len() > MAX_APP_ID {
        return Err(format!("appid must have {MAX_APP_ID} characters at most"));
    }
    let code = state.mint_phone(app_id, request.user.as_deref(), &phone);
    let minted = Minted { code, expires_in: codes::LIFETIME.as_secs() };
    serde_json::to_string_pretty(&minted).map_err(|error| error.to_string())
}

impl MintRequest {
    /// Reads the fields of the body and of the query string. The body has precedence.
    pub(super) fn read(uri: &Uri, body: &[u8]) -> Result<Self, String> {
        let (query, body) = (Self::from_query(uri)?, Self::from_body(body)?);
        let phone = body.phone.or(query.phone);
        Ok(Self { user: body.user.or(query.user), appid: body.appid.or(query.appid), phone })
    }

    /// Parses JSON or a form, by the first character: curl sends JSON as a form unless the Content-Type is set.
    fn from_body(body: &[u8]) -> Result<Self, String> {
        let body = str::from_utf8(body).map_err(|error| error.to_string())?.trim();
        if body.starts_with('{') {
            return serde_json::from_str(body).map_err(|error| error.to_string());
        }
        // a form has the syntax of a query string
        Self::from_query(&format!("/?{body}").parse().map_err(|_| "the body is neither JSON nor a form")?)
    }

    fn from_query(uri: &Uri) -> Result<Self, String> {
        Query::try_from_uri(uri).map(|Query(request)| request).map_err(|error| error.body_text())
    }
}
