//! The failures of a call, and the table of WeChat's errcodes. No failure contains a body, a URL or a secret.

use std::time::Duration;

use crate::error::{ApiError, Code};

/// A row of the table.
struct Row {
    errcode: i64,
    /// The code of the error that the client gets.
    code: Code,
    /// Seconds the client should wait before it retries, if a retry may succeed.
    wait: Option<u64>,
    /// Whether an operator must act.
    alarm: Alarm,
    /// The meaning, for the log and `/readyz`.
    name: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alarm {
    Quiet,
    Loud,
}

use Alarm::{Loud, Quiet};

const fn row(errcode: i64, code: Code, wait: Option<u64>, alarm: Alarm, name: &'static str) -> Row {
    Row { errcode, code, wait, alarm, name }
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    row(-1,    Code::ProviderUnavailable,   Some(1),    Quiet, "system busy"),
    row(40029, Code::InvalidCode,           None,       Quiet, "invalid code, or one of another mini program"),
    row(41008, Code::InvalidCode,           None,       Quiet, "missing code"),
    row(40163, Code::CodeUsed,              None,       Quiet, "code was used before"),
    row(40226, Code::LoginBlocked,          None,       Quiet, "code blocked"),
    row(45011, Code::RateLimited,           Some(60),   Quiet, "too many calls for one user within a minute"),
    row(45009, Code::RateLimited,           Some(3600), Loud,  "too many calls of the app within a day"),
    row(40013, Code::ProviderMisconfigured, None,       Loud,  "invalid appid"),
    row(40125, Code::ProviderMisconfigured, None,       Loud,  "invalid appsecret"),
    row(40164, Code::ProviderMisconfigured, None,       Loud,  "the server's IP address is not in the whitelist"),
    row(40243, Code::ProviderMisconfigured, None,       Loud,  "appsecret frozen"),
    row(41002, Code::ProviderMisconfigured, None,       Loud,  "missing appid"),
    row(41004, Code::ProviderMisconfigured, None,       Loud,  "missing appsecret"),
    row(61003, Code::ProviderMisconfigured, None,       Loud,  "not authorized by the mini program"),
    row(48001, Code::ProviderMisconfigured, None,       Loud,  "the mini program may not call this API"),
    row(40001, Code::ProviderMisconfigured, None,       Loud,  "invalid appsecret, or an access token that is not the latest"),
    row(40014, Code::ProviderUnavailable,   Some(1),    Loud,  "invalid access token"),
    row(42001, Code::ProviderUnavailable,   Some(1),    Loud,  "access token expired"),
    row(40003, Code::InvalidCode,           None,       Quiet, "invalid openid, or the code of another user"),
];
const UNKNOWN: &Row = &row(0, Code::ProviderUnavailable, Some(1), Loud, "unknown errcode");

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no connection to WeChat")]
    Unreachable(#[source] reqwest::Error),
    #[error("the connection broke or timed out before WeChat's response was complete: the call may have had an effect")]
    Lost(#[source] reqwest::Error),
    #[error("WeChat's response has status {0}")]
    Status(u16),
    #[error("WeChat's response is invalid: {0}")]
    Unreadable(&'static str),
    #[error("WeChat refuses with {errcode} ({}), rid {}", row_of(*errcode).name, rid.as_deref().unwrap_or("none"))]
    Refused { errcode: i64, rid: Option<String> },
}

impl Failure {
    /// The failure of a request before its response began.
    pub(super) fn sending(error: reqwest::Error) -> Self {
        if error.is_connect() { Self::Unreachable(error.without_url()) } else { Self::lost(error) }
    }

    /// The failure of a request that WeChat may have received.
    pub(super) fn lost(error: reqwest::Error) -> Self {
        Self::Lost(error.without_url())
    }

    /// Whether the call may be sent again: it cannot have had an effect, such as consuming a code.
    pub(super) fn may_resend(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Refused { errcode: -1, .. })
    }

    /// Whether this is an outage of WeChat and not a refusal.
    pub(super) fn is_outage(&self) -> bool {
        !matches!(self, Self::Refused { errcode, .. } if *errcode != -1)
    }

    /// The error of the server's settings that WeChat reports.
    pub(super) fn misconfiguration(&self) -> Option<String> {
        let row = self.row()?;
        (row.code == Code::ProviderMisconfigured).then(|| format!("{} {}", row.errcode, row.name))
    }

    /// Whether WeChat refuses the access token. The call had no effect, and may succeed with another token.
    pub(super) fn is_invalid_token(&self) -> bool {
        matches!(self, Self::Refused { errcode: 40001 | 40014 | 42001, .. })
    }

    pub(super) fn log(&self, appid: &str, call: &str) {
        let (errcode, rid) = match self {
            Self::Refused { errcode, rid } => (Some(*errcode), rid.as_deref()),
            _ => (None, None),
        };
        let outcome = self.code().as_str();
        match (self.row().map(|row| row.alarm), errcode) {
            (Some(Loud), _) => tracing::error!(appid, call, errcode, rid, outcome, "{self}"),
            (Some(Quiet), Some(1..)) => tracing::info!(appid, call, errcode, rid, outcome, "{self}"),
            _ => tracing::warn!(appid, call, errcode, rid, outcome, "{self}"),
        }
    }

    fn code(&self) -> Code {
        self.row().map_or(Code::ProviderUnavailable, |row| row.code)
    }

    fn row(&self) -> Option<&'static Row> {
        match self {
            Self::Refused { errcode, .. } => Some(row_of(*errcode)),
            _ => None,
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.code());
        let wait = failure.row().and_then(|row| row.wait);
        let error = if let Some(seconds) = wait { error.retry_after(Duration::from_secs(seconds)) } else { error };
        error.cause(failure)
    }
}

fn row_of(errcode: i64) -> &'static Row {
    TABLE.iter().find(|row| row.errcode == errcode).unwrap_or(UNKNOWN)
}

/// WeChat's request id, which WeChat's support needs: `rid: 6683da8d-0a1b2c3d-4e5f6071` at the end of an errmsg, or
/// `hints: [ req_id: kFhIjR1we ]` in older ones. The rest of the errmsg is not logged, because it may contain secrets.
pub(super) fn rid(errmsg: &str) -> Option<String> {
    let (before, after) = errmsg.rsplit_once("rid:").or_else(|| errmsg.rsplit_once("req_id:"))?;
    let id = after.trim().trim_end_matches(']').trim_end();
    let is_id =
        (4..=40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!".contains(&byte));
    (is_id && !before.ends_with(char::is_alphanumeric)).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_errcode_has_its_error_code() {
        let classes = [
            (-1, "PROVIDER_UNAVAILABLE", Some(1)),
            (40029, "INVALID_CODE", None),
            (41008, "INVALID_CODE", None),
            (40163, "CODE_USED", None),
            (40226, "LOGIN_BLOCKED", None),
            (45011, "RATE_LIMITED", Some(60)),
            (45009, "RATE_LIMITED", Some(3600)),
            (40013, "PROVIDER_MISCONFIGURED", None),
            (40125, "PROVIDER_MISCONFIGURED", None),
            (40243, "PROVIDER_MISCONFIGURED", None),
            (41002, "PROVIDER_MISCONFIGURED", None),
            (41004, "PROVIDER_MISCONFIGURED", None),
            (40164, "PROVIDER_MISCONFIGURED", None),
            (61003, "PROVIDER_MISCONFIGURED", None),
            (99999, "PROVIDER_UNAVAILABLE", Some(1)),
        ];
        for (errcode, code, wait) in classes {
            let error = ApiError::from(Failure::Refused { errcode, rid: None });
            assert_eq!((error.code.as_str(), error.retry_after_seconds()), (code, wait), "{errcode}");
        }
    }

    #[test]
    fn each_errcode_is_in_the_table_once() {
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.errcode == row.errcode).count(), 1);
        }
    }

    #[test]
    fn only_busy_counts_as_an_outage_and_leaves_the_code_unused() {
        for row in TABLE {
            let failure = Failure::Refused { errcode: row.errcode, rid: None };
            assert_eq!(
                (failure.is_outage(), failure.may_resend()),
                (row.errcode == -1, row.errcode == -1),
                "{}",
                row.name
            );
        }
        assert!(Failure::Status(500).is_outage() && !Failure::Status(500).may_resend());
    }

    #[test]
    fn only_the_request_id_is_read_from_an_errmsg() {
        let of = |errmsg| rid(errmsg);
        assert_eq!(of("invalid code, rid: 6683da8d-0a1b2c3d-4e5f6071").unwrap(), "6683da8d-0a1b2c3d-4e5f6071");
        assert_eq!(of("invalid code, hints: [ req_id: kFhIjR1we-0a!N ]").unwrap(), "kFhIjR1we-0a!N");
        for errmsg in
            ["", "invalid code", "rid:", "rid: a b", "hybrid: 6683da8d", "rid: 代码代码", "rid: secret=abcdef"]
        {
            assert_eq!(of(errmsg), None, "{errmsg}");
        }
        assert_eq!(of(&format!("rid: {}", "a".repeat(41))), None);
    }
}
