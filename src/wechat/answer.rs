//! What an answer of WeChat says. WeChat answers JSON as `text/plain`, failures with status 200, and now and then HTML or
//! nothing: only the body counts.

use entity::Timestamp;
use serde_json::{Map, Value};

use super::error::{Failure, rid};

/// An answer that is no refusal. It has no `Debug`: what it holds may be secret.
pub(super) struct Answer {
    /// 0, or an errcode that the call takes for an answer.
    pub(super) errcode: i64,
    /// When the call was sent.
    pub(super) asked_at: Timestamp,
    members: Map<String, Value>,
}

impl Answer {
    /// Reads a body. Tolerant of everything around the members; an errcode of `answers` is an answer like 0.
    pub(super) fn read(body: &[u8], asked_at: Timestamp, answers: &[i64]) -> Result<Self, Failure> {
        let text = String::from_utf8_lossy(body);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| Failure::Unreadable("not a JSON object"))?;
        let errcode = errcode(&members)?;
        if errcode == 0 || answers.contains(&errcode) {
            return Ok(Self { errcode, asked_at, members });
        }
        Err(Failure::Refused { errcode, rid: members.get("errmsg").and_then(Value::as_str).and_then(rid) })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }
}

/// WeChat's own examples have it as a number and as a string; a success may lack it.
fn errcode(answer: &Map<String, Value>) -> Result<i64, Failure> {
    let errcode = match answer.get("errcode") {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(other) => other.as_i64(),
    };
    errcode.ok_or(Failure::Unreadable("of an errcode that is no number"))
}
