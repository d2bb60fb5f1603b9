//! A response of WeChat's API. WeChat sends JSON as `text/plain`, errors with status 200, and sometimes HTML or
//! nothing: only the body counts.

use entity::Timestamp;
use serde_json::{Map, Value};

use super::error::{Failure, rid};

/// A response without a refusing errcode. It has no `Debug`, because its members may be secret.
pub(super) struct ApiResponse {
    /// 0, or an errcode that the call accepts.
    pub(super) errcode: i64,
    /// When the call was sent.
    pub(super) requested_at: Timestamp,
    members: Map<String, Value>,
}

impl ApiResponse {
    /// Parses a body. A byte order mark and invalid UTF-8 are tolerated. The errcodes of `accepted` are not refusals.
    pub(super) fn read(body: &[u8], requested_at: Timestamp, accepted: &[i64]) -> Result<Self, Failure> {
        let text = String::from_utf8_lossy(body);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| Failure::Unreadable("it is not a JSON object"))?;
        let errcode = errcode(&members)?;
        if errcode == 0 || accepted.contains(&errcode) {
            return Ok(Self { errcode, requested_at, members });
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

/// WeChat's examples have the errcode as a number and as a string; a successful response may lack it.
fn errcode(response: &Map<String, Value>) -> Result<i64, Failure> {
    let errcode = match response.get("errcode") {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(other) => other.as_i64(),
    };
    errcode.ok_or(Failure::Unreadable("its errcode is not a number"))
}
