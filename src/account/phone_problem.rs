//! Why a telephone number was not bound, by a login or by `bindPhoneNumber`.

use crate::error::Language;

/// The reason why a telephone number was not bound, for a form to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneProblem {
    /// The code is malformed, has expired, was used, or belongs to another person.
    InvalidCode,
    /// The number belongs to another account.
    Taken,
    /// Unknown: WeChat did not respond, or the number could not be stored.
    Unavailable,
}

impl PhoneProblem {
    /// The `code` of the user error.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidCode => "INVALID_PHONE_CODE",
            Self::Taken => "PHONE_TAKEN",
            Self::Unavailable => "PHONE_UNAVAILABLE",
        }
    }

    /// The `message` of the user error.
    #[must_use]
    pub fn message(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::InvalidCode, Language::En) => "The phone number could not be confirmed. Please try again.",
            (Self::InvalidCode, Language::Zh) => "手机号验证已失效，请重新授权。",
            (Self::Taken, Language::En) => "This phone number belongs to another account.",
            (Self::Taken, Language::Zh) => "该手机号已绑定其他账号。",
            (Self::Unavailable, Language::En) => "The phone number is not available right now. Please try again later.",
            (Self::Unavailable, Language::Zh) => "暂时无法获取手机号，请稍后再试。",
        }
    }
}
