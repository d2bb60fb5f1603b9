//! `POST /wxa/msg_sec_check` and `POST /wxa/media_check_async`. A text with the word `risky` is risky, one with `review`
//! wants a look, any other passes; the errcode is 0 for each of them, as at WeChat. What a picture of the person `risky` or
//! `review` is, or one with such a word in its address, is pushed a moment later.

use std::time::Duration;

use axum::{body::Bytes, extract::State, http::Uri, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{api, fake::FakeWeChat, people::open_id, push::push_check, refusal::Refusal, reply};
use crate::random;

/// How long a picture is looked at.
const LOOK: Duration = Duration::from_secs(1);
const ORDINARY: u32 = 100;
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

pub(super) async fn text(State(fake): State<FakeWeChat>, uri: Uri, body: Bytes) -> Response {
    match checked(&fake, &uri, &body, |request| request.content.is_empty()) {
        Ok((_, request)) => reply::wechat(&verdict(&request.content)),
        Err(refusal) => api::refuse(&fake, refusal),
    }
}

pub(super) async fn picture(State(fake): State<FakeWeChat>, uri: Uri, body: Bytes) -> Response {
    let lacks = |request: &CheckRequest| request.media_url.is_empty() || request.media_type != json!(2);
    match checked(&fake, &uri, &body, lacks) {
        Ok((app_id, request)) => {
            let trace_id = trace_id();
            let answer = json!({ "errcode": 0, "errmsg": "ok", "trace_id": trace_id });
            tokio::spawn(async move { look(&fake, &app_id, &request, &trace_id).await });
            reply::wechat(&answer)
        }
        Err(refusal) => api::refuse(&fake, refusal),
    }
}

/// Pushes the outcome, where there is a server to push to.
async fn look(fake: &FakeWeChat, app_id: &str, request: &CheckRequest, trace_id: &str) {
    let of_person = ["risky", "review"].into_iter().find(|name| request.openid == open_id(app_id, name));
    let (suggest, label) = judged(of_person.unwrap_or(&request.media_url));
    fake.wait(LOOK).await;
    let outcome = json!({ "trace_id": trace_id, "errcode": 0, "result": { "suggest": suggest, "label": label } });
    push_check(fake, app_id, &request.openid, outcome).await;
}

fn checked(
    fake: &FakeWeChat,
    uri: &Uri,
    body: &Bytes,
    lacks: impl Fn(&CheckRequest) -> bool,
) -> Result<(String, CheckRequest), Refusal> {
    let app_id = api::app_of(fake, uri)?;
    let request: CheckRequest = api::body(body)?;
    if request.openid.is_empty() {
        return Err(Refusal::INVALID_OPENID);
    }
    let is_known = request.version == json!(2) && [1, 2, 3, 4].iter().any(|scene| request.scene == json!(scene));
    if is_known && !lacks(&request) { Ok((app_id, request)) } else { Err(Refusal::NOT_JSON) }
}

fn judged(content: &str) -> (&'static str, u32) {
    match () {
        () if has_word(content, "risky") => ("risky", ABUSE),
        () if has_word(content, "review") => ("review", ABUSE),
        () => ("pass", ORDINARY),
    }
}

fn verdict(content: &str) -> Value {
    let (suggest, label) = judged(content);
    json!({
        "errcode": 0,
        "errmsg": "ok",
        "result": { "suggest": suggest, "label": label },
        // an item may lack a suggestion
        "detail": [
            { "strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90 },
            { "strategy": "keyword", "errcode": 0 },
        ],
        "trace_id": trace_id(),
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|sign: char| !sign.is_alphanumeric()).any(|part| part.eq_ignore_ascii_case(word))
}

fn trace_id() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<18>())
}
