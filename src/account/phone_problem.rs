//! What can be wrong with a telephone number that came with a login or by itself.

use crate::error::Language;

/// What can be wrong with a telephone number, for a form to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneProblem {
    /// The code is none, has expired, was used, or belongs to somebody else.
    InvalidCode,
    /// The number is another account's.
    Taken,
    /// Nobody knows: WeChat did not answer, or the number could not be stored.
    Unavailable,
}

impl PhoneProblem {
    /// The name that programs know it by.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidCode => "INVALID_PHONE_CODE",
            Self::Taken => "PHONE_TAKEN",
            Self::Unavailable => "PHONE_UNAVAILABLE",
        }
    }

    /// A sentence for a person.
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
