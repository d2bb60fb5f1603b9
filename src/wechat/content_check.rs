//! WeChat's content check: `POST /wxa/msg_sec_check` for texts, `POST /wxa/media_check_async` for pictures, whose outcome
//! comes later as an event. Both in version 2, for the scene of profiles.

use entity::OpenId;
use serde_json::{Value, json};

use super::{App, Request, answer::Answer, endpoint::Call, error::Failure};

const VERSION: u8 = 2;
/// Profiles.
const SCENE: u8 = 1;
const IMAGE: u8 = 2;
const MAX_TRACE_ID: usize = 128;

/// What WeChat suggests to do with content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suggest {
    /// Show it.
    Pass,
    /// Let a person look at it.
    Review,
    /// Refuse it.
    Risky,
}

impl Suggest {
    /// What WeChat calls it.
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

/// What WeChat says of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub suggest: Suggest,
    /// The kind of content: 100 is ordinary.
    pub label: i64,
}

/// Checks a text of a profile, of at most 2500 characters. The user must have used the mini program within two hours.
#[must_use]
pub fn text_check(openid: &OpenId, content: &str) -> Request<Verdict> {
    let body = json!({ "version": VERSION, "openid": openid.0, "scene": SCENE, "content": content });
    Request::new(Call::post("wxa/msg_sec_check", body.to_string().into()), verdict)
}

/// Lets WeChat check a picture that it can fetch, of at most 10 MB. Gives the `trace_id` by which WeChat pushes the outcome,
/// within half an hour.
#[must_use]
pub fn image_check(openid: &OpenId, media_url: &str) -> Request<String> {
    let body = json!({
        "media_url": media_url, "media_type": IMAGE, "version": VERSION, "scene": SCENE, "openid": openid.0
    });
    Request::new(Call::post("wxa/media_check_async", body.to_string().into()), trace_id)
}

/// The errcode is 0 for a bad text as well: `suggest` decides.
fn verdict(_: &App, answer: &Answer) -> Result<Verdict, Failure> {
    let result = answer.get("result");
    let suggest = result.and_then(|result| Suggest::parse(result.get("suggest")?.as_str()?));
    let suggest = suggest.ok_or(Failure::Unreadable("without a known suggestion"))?;
    let label = result.and_then(|result| result.get("label")).and_then(Value::as_i64).unwrap_or_default();
    Ok(Verdict { suggest, label })
}

fn trace_id(_: &App, answer: &Answer) -> Result<String, Failure> {
    let id = answer.text("trace_id").unwrap_or_default();
    let fits = (1..=MAX_TRACE_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(id.to_owned()) } else { Err(Failure::Unreadable("without a good trace_id")) }
}
