//! WeChat's error responses: an errcode, its usual message, and the request id that WeChat's support needs.

use std::borrow::Cow;

use entity::Timestamp;
use serde::Serialize;

use crate::random;

/// A refused call, by its errcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) i32);

impl Refusal {
    pub(super) const INVALID_TOKEN: Self = Self(40001);
    pub(super) const BUSY: Self = Self(-1);
    pub(super) const WRONG_GRANT_TYPE: Self = Self(40002);
    pub(super) const INVALID_OPENID: Self = Self(40003);
    pub(super) const INVALID_APP_ID: Self = Self(40013);
    pub(super) const INVALID_CODE: Self = Self(40029);
    pub(super) const CODE_USED: Self = Self(40163);
    pub(super) const NO_TOKEN: Self = Self(41001);
    pub(super) const NO_APP_ID: Self = Self(41002);
    pub(super) const NO_SECRET: Self = Self(41004);
    pub(super) const NO_CODE: Self = Self(41008);
    pub(super) const TOKEN_EXPIRED: Self = Self(42001);
    pub(super) const NOT_GET: Self = Self(43001);
    pub(super) const NOT_POST: Self = Self(43002);
    pub(super) const NO_CONTENT: Self = Self(44002);
    pub(super) const NOT_JSON: Self = Self(47001);
    pub(super) const INVALID_SIGNATURE: Self = Self(87009);

    pub(super) fn response(self, now: Timestamp) -> ErrorResponse {
        ErrorResponse { errcode: self.0, errmsg: format!("{}, rid: {}", self.message(), rid(now)) }
    }

    /// WeChat's message, so that a log with the emulator reads like one with WeChat.
    fn message(self) -> Cow<'static, str> {
        let message = match self.0 {
            -1 => "system error",
            40001 => "invalid credential, access_token is invalid or not latest",
            40002 => "invalid grant_type",
            40003 => "invalid openid",
            40013 => "invalid appid",
            40029 => "invalid code",
            40125 => "invalid appsecret",
            40163 => "code been used",
            40226 => "code blocked",
            40243 => "appsecret is frozen",
            41001 => "access_token missing",
            41002 => "appid missing",
            41004 => "appsecret missing",
            41008 => "missing code",
            42001 => "access_token expired",
            43001 => "require GET method",
            43002 => "require POST method",
            44002 => "empty post data",
            45009 => "reach max api daily quota limit",
            45011 => "api minute-quota reach limit, must slower, retry next minute",
            47001 => "data format error",
            87009 => "invalid signature",
            other => return Cow::Owned(format!("emulated error {other}")),
        };
        Cow::Borrowed(message)
    }
}

#[derive(Serialize)]
pub(super) struct ErrorResponse {
    errcode: i32,
    errmsg: String,
}

/// A request id in WeChat's form: the second in hex, then two random groups.
fn rid(now: Timestamp) -> String {
    // the first group has eight digits: the low 32 bits of the second
    let [.., a, b, c, d] = now.seconds().to_be_bytes();
    let second = u32::from_be_bytes([a, b, c, d]);
    let [left, right] = [(); 2].map(|()| u32::from_be_bytes(random::bytes()));
    format!("{second:08x}-{left:08x}-{right:08x}")
}
