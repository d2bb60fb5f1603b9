//! `POST /emulator/code`: what `wx.login` does in the mini program, for a person with curl or a test.

use axum::{
    body::Bytes,
    extract::{Query, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{code_session::MAX_APP_ID, codes, fake::FakeWeChat, scenario::Scenario};

const BAD_USER: &str = "user must be a name (1 to 64 of A-Z a-z 0-9 _ . -), or one of slow:3000:alice, nounion:alice, \
                        error:40226, reply:html";

/// A misspelt field is refused: a person who asked for bob shall not get alice.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    user: Option<String>,
    appid: Option<String>,
}

#[derive(Serialize)]
struct Minted {
    code: String,
    expires_in: u64,
}

pub(super) async fn answer(State(fake): State<FakeWeChat>, uri: Uri, body: Bytes) -> Response {
    match Wish::read(&uri, &body).and_then(|wish| mint(&fake, &wish)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json + "\n").into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why + "\n").into_response(),
    }
}

fn mint(fake: &FakeWeChat, wish: &Wish) -> Result<String, String> {
    let user = wish.user.as_deref().unwrap_or("alice");
    let app_id = wish.appid.as_deref().unwrap_or_default();
    if Scenario::parse(user).is_none() {
        return Err(BAD_USER.to_owned());
    }
    if app_id.len() > MAX_APP_ID {
        return Err(format!("appid must have {MAX_APP_ID} characters at most"));
    }
    let minted = Minted { code: fake.mint(app_id, user), expires_in: codes::LIFETIME.as_secs() };
    serde_json::to_string_pretty(&minted).map_err(|error| error.to_string())
}

impl Wish {
    /// The body speaks before the query.
    fn read(uri: &Uri, body: &[u8]) -> Result<Self, String> {
        let (query, body) = (Self::from_query(uri)?, Self::from_body(body)?);
        Ok(Self { user: body.user.or(query.user), appid: body.appid.or(query.appid) })
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
        Query::try_from_uri(uri).map(|Query(wish)| wish).map_err(|error| error.body_text())
    }
}
