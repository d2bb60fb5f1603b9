//! WeChat's content check: `POST /wxa/msg_sec_check` for texts, and `POST /wxa/media_check_async` for pictures, whose
//! result WeChat pushes later. Both are called in version 2 and with the scene for profiles.

use entity::OpenId;
use serde_json::{Value, json};

use super::{App, Request, endpoint::Call, error::Failure, response::ApiResponse};

const VERSION: u8 = 2;
/// The scene for profiles.
const SCENE: u8 = 1;
/// The `media_type` of pictures.
const IMAGE: u8 = 2;
const MAX_TRACE_ID: usize = 128;

/// What WeChat suggests to do with content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suggest {
    /// The content may be shown.
    Pass,
    /// A person should review it.
    Review,
    /// It violates WeChat's rules.
    Risky,
}

impl Suggest {
    /// Parses WeChat's name of a suggestion.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "pass" => Self::Pass,
            "review" => Self::Review,
            "risky" => Self::Risky,
            _ => return None,
        })
    }
}

/// The result of a text check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// WeChat's suggestion.
    pub suggest: Suggest,
    /// WeChat's label for the kind of content; 100 is normal.
    pub label: i64,
}

/// Checks a text of a profile, of at most 2500 characters. The user must have used the mini program within two hours.
#[must_use]
pub fn text_check(openid: &OpenId, content: &str) -> Request<Verdict> {
    let body = json!({ "version": VERSION, "openid": openid.0, "scene": SCENE, "content": content });
    Request::new(Call::post("wxa/msg_sec_check", body.to_string().into()), verdict)
}

/// Has WeChat fetch and check a picture of at most 10 MB. Returns the `trace_id` with which WeChat pushes the result
/// within half an hour.
#[must_use]
pub fn image_check(openid: &OpenId, media_url: &str) -> Request<String> {
    let body = json!({
        "media_url": media_url, "media_type": IMAGE, "version": VERSION, "scene": SCENE, "openid": openid.0
    });
    Request::new(Call::post("wxa/media_check_async", body.to_string().into()), trace_id)
}

/// The result in a response. The errcode is 0 for a risky text as well: `suggest` decides.
fn verdict(_: &App, response: &ApiResponse) -> Result<Verdict, Failure> {
    let result = response.get("result");
    let suggest = result.and_then(|result| Suggest::parse(result.get("suggest")?.as_str()?));
    let suggest = suggest.ok_or(Failure::Unreadable("no known suggest"))?;
    let label = result.and_then(|result| result.get("label")).and_then(Value::as_i64).unwrap_or_default();
    Ok(Verdict { suggest, label })
}

fn trace_id(_: &App, response: &ApiResponse) -> Result<String, Failure> {
    let id = response.text("trace_id").unwrap_or_default();
    let fits = (1..=MAX_TRACE_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(id.to_owned()) } else { Err(Failure::Unreadable("no valid trace_id")) }
}
