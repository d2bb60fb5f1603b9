//! `UserError`: what a form shows instead of a result, in the caller's language.

use async_graphql::{Enum, SimpleObject};

use crate::{
    account::{Fault, Flaw, ProfileField},
    error::Language,
};

/// Something the user should be told.
#[derive(SimpleObject)]
pub(super) struct UserError {
    /// A sentence for a person.
    message: &'static str,
    /// The same for a program.
    code: UserErrorCode,
    /// Path of the argument it is about.
    field: Option<Vec<&'static str>>,
}

/// What a user can be told.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum UserErrorCode {
    /// There is no such thing, or it is over, or it is somebody else's.
    NotFound,
    /// There is nothing to be seen in it. To clear a value, send `null`.
    Blank,
    /// It is longer than there is room for.
    TooLong,
    /// It has not the right form, or holds what it may not.
    Invalid,
}

impl UserError {
    /// There is no such session.
    pub(super) fn no_session(language: Language) -> Self {
        let message = match language {
            Language::En => "There is no such session.",
            Language::Zh => "没有这个会话。",
        };
        Self { message, code: UserErrorCode::NotFound, field: Some(vec!["sessionId"]) }
    }

    /// A part of a profile cannot be kept.
    pub(super) fn of_profile(flaw: Flaw, language: Language) -> Self {
        let code = match flaw.fault {
            Fault::Blank => UserErrorCode::Blank,
            Fault::TooLong => UserErrorCode::TooLong,
            Fault::Invalid => UserErrorCode::Invalid,
        };
        let name = match flaw.field {
            ProfileField::Nickname => "nickname",
            ProfileField::Locale => "locale",
            ProfileField::AvatarUrl => "avatarUrl",
        };
        Self { message: words(flaw, language), code, field: Some(vec!["input", name]) }
    }
}

fn words(flaw: Flaw, language: Language) -> &'static str {
    use Fault::{Blank, Invalid, TooLong};
    use ProfileField::{AvatarUrl, Locale, Nickname};
    let (english, chinese) = match (flaw.field, flaw.fault) {
        (Nickname, Blank) => ("The nickname is empty.", "昵称不能为空。"),
        (Nickname, TooLong) => ("A nickname has at most 32 characters.", "昵称最多 32 个字符。"),
        (Nickname, Invalid) => ("A nickname holds no control characters.", "昵称不能包含换行或控制字符。"),
        (Locale, Blank) => ("The language is empty.", "语言不能为空。"),
        (Locale, TooLong) => ("A language tag has at most 35 characters.", "语言标签最多 35 个字符。"),
        (Locale, Invalid) => ("The language must be a tag such as zh-CN.", "语言必须是 zh-CN 这样的标签。"),
        (AvatarUrl, Blank) => ("The address of the picture is empty.", "头像地址不能为空。"),
        (AvatarUrl, TooLong) => ("The address of the picture has at most 512 bytes.", "头像地址最长 512 字节。"),
        (AvatarUrl, Invalid) => {
            ("The address of the picture must begin with https://.", "头像地址必须以 https:// 开头。")
        }
    };
    match language {
        Language::En => english,
        Language::Zh => chinese,
    }
}
