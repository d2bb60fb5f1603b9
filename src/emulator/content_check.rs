//! `POST /wxa/msg_sec_check` and `POST /wxa/media_check_async`. A text that contains the word `risky` or `review` gets
//! that suggestion, any other text gets `pass`; the errcode is always 0, as in WeChat. For a picture, the user's name
//! or a word in the picture's URL decides, and the result is pushed one second later.

use std::time::Duration;

use axum::{body::Bytes, extract::State, http::Uri, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{api, push::push_check, refusal::Refusal, reply, state::EmulatorState, users::open_id};
use crate::random;

/// How long the check of a picture takes.
const CHECK_DELAY: Duration = Duration::from_secs(1);
/// WeChat's label for normal content.
const NORMAL: u32 = 100;
/// WeChat's label for abuse.
const ABUSE: u32 = 20003;

#[derive(Default, Deserialize)]
#[serde(default)]
struct CheckRequest {
    version: Value,
    openid: String,
    scene: Value,
    content: String,
    media_url: String,
    media_type: Value,
}

pub(super) async fn text(State(state): State<EmulatorState>, uri: Uri, body: Bytes) -> Response {
    match parse(&state, &uri, &body, |request| request.content.is_empty()) {
        Ok((_, request)) => reply::wechat(&verdict(&request.content)),
        Err(refusal) => api::refuse(&state, refusal),
    }
}

pub(super) async fn picture(State(state): State<EmulatorState>, uri: Uri, body: Bytes) -> Response {
    let is_incomplete = |request: &CheckRequest| request.media_url.is_empty() || request.media_type != json!(2);
    match parse(&state, &uri, &body, is_incomplete) {
        Ok((app_id, request)) => {
            let trace_id = trace_id();
            let response = json!({ "errcode": 0, "errmsg": "ok", "trace_id": trace_id });
            tokio::spawn(async move { push_result(&state, &app_id, &request, &trace_id).await });
            reply::wechat(&response)
        }
        Err(refusal) => api::refuse(&state, refusal),
    }
}

/// Pushes the result to the server, if there is one.
async fn push_result(state: &EmulatorState, app_id: &str, request: &CheckRequest, trace_id: &str) {
    let user = ["risky", "review"].into_iter().find(|name| request.openid == open_id(app_id, name));
    let (suggest, label) = suggestion(user.unwrap_or(&request.media_url));
    state.wait(CHECK_DELAY).await;
    let result = json!({ "trace_id": trace_id, "errcode": 0, "result": { "suggest": suggest, "label": label } });
    push_check(state, app_id, &request.openid, result).await;
}

/// The app of a call, and its valid request.
fn parse(
    state: &EmulatorState,
    uri: &Uri,
    body: &Bytes,
    is_incomplete: impl Fn(&CheckRequest) -> bool,
) -> Result<(String, CheckRequest), Refusal> {
    let app_id = api::app_of(state, uri)?;
    let request: CheckRequest = api::body(body)?;
    if request.openid.is_empty() {
        return Err(Refusal::INVALID_OPENID);
    }
    let is_known = request.version == json!(2) && [1, 2, 3, 4].iter().any(|scene| request.scene == json!(scene));
    if is_known && !is_incomplete(&request) { Ok((app_id, request)) } else { Err(Refusal::NOT_JSON) }
}

/// WeChat's suggestion and label for a content.
fn suggestion(content: &str) -> (&'static str, u32) {
    match () {
        () if has_word(content, "risky") => ("risky", ABUSE),
        () if has_word(content, "review") => ("review", ABUSE),
        () => ("pass", NORMAL),
    }
}

fn verdict(content: &str) -> Value {
    let (suggest, label) = suggestion(content);
    json!({
        "errcode": 0,
        "errmsg": "ok",
        "result": { "suggest": suggest, "label": label },
        // in WeChat's responses, too, an item may lack a suggestion
        "detail": [
            { "strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90 },
            { "strategy": "keyword", "errcode": 0 },
        ],
        "trace_id": trace_id(),
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|character: char| !character.is_alphanumeric()).any(|part| part.eq_ignore_ascii_case(word))
}

fn trace_id() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<18>())
}
