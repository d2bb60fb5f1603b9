//! `UserError`: an error for a form to show, in the caller's language.

use async_graphql::{Enum, SimpleObject};

use crate::{
    account::{FieldError, FieldErrorKind, PhoneProblem, ProfileField, Refusal},
    error::Language,
};

/// An error to show to the user.
#[derive(SimpleObject)]
pub(super) struct UserError {
    /// A sentence for the user.
    message: &'static str,
    /// The kind of the error, for programs.
    code: UserErrorCode,
    /// Path of the argument that caused it.
    field: Option<Vec<&'static str>>,
}

/// The kind of a user error.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum UserErrorCode {
    /// The object does not exist, has ended, or belongs to another user.
    NotFound,
    /// The value is blank. To clear it, send `null`.
    Blank,
    /// The value is too long.
    TooLong,
    /// The value has the wrong format, or contains characters that are not allowed.
    Invalid,
    /// The code belongs to another person than the caller.
    WrongPerson,
    /// The identity belongs to another account. `mergeAccounts` can merge the two accounts with `mergeTicket`.
    IdentityTaken,
    /// The identity is the last one of the account.
    LastIdentity,
    /// The ticket is unknown, was used, or has expired.
    TicketUsed,
    /// One of the accounts is suspended, or will be deleted.
    NotActive,
    /// The phone code is invalid, has expired, was used, or belongs to another user: get a new one.
    InvalidPhoneCode,
    /// The phone number belongs to another account.
    PhoneTaken,
    /// The phone number is not available right now: try again later.
    PhoneUnavailable,
    /// The value is nested too deep.
    TooDeep,
    /// The value has too many keys.
    TooManyKeys,
    /// The value did not pass the content check.
    ContentRefused,
}

impl UserError {
    /// The session does not exist.
    pub(super) fn no_session(language: Language) -> Self {
        let message = match language {
            Language::En => "The session does not exist.",
            Language::Zh => "该会话不存在。",
        };
        Self { message, code: UserErrorCode::NotFound, field: Some(vec!["sessionId"]) }
    }

    /// The change of the account is refused.
    pub(super) fn of_account(refusal: Refusal, language: Language) -> Self {
        let (code, field) = match refusal {
            Refusal::WrongPerson => (UserErrorCode::WrongPerson, "code"),
            Refusal::IdentityTaken => (UserErrorCode::IdentityTaken, "code"),
            Refusal::NoIdentity => (UserErrorCode::NotFound, "identityId"),
            Refusal::LastIdentity => (UserErrorCode::LastIdentity, "identityId"),
            Refusal::TicketUsed => (UserErrorCode::TicketUsed, "ticket"),
            Refusal::NotActive => (UserErrorCode::NotActive, "ticket"),
        };
        Self { message: refusal_message(refusal, language), code, field: Some(vec![field]) }
    }

    /// The phone number of the code in `field` was not bound.
    pub(super) fn of_phone(problem: PhoneProblem, field: &'static str, language: Language) -> Self {
        let code = match problem {
            PhoneProblem::InvalidCode => UserErrorCode::InvalidPhoneCode,
            PhoneProblem::Taken => UserErrorCode::PhoneTaken,
            PhoneProblem::Unavailable => UserErrorCode::PhoneUnavailable,
        };
        Self { message: problem.message(language), code, field: Some(vec![field]) }
    }

    /// A field of a profile is invalid.
    pub(super) fn of_profile(error: FieldError, language: Language) -> Self {
        let code = match error.kind {
            FieldErrorKind::Blank => UserErrorCode::Blank,
            FieldErrorKind::TooLong => UserErrorCode::TooLong,
            FieldErrorKind::Invalid | FieldErrorKind::NotOwn => UserErrorCode::Invalid,
            FieldErrorKind::TooDeep => UserErrorCode::TooDeep,
            FieldErrorKind::TooMany => UserErrorCode::TooManyKeys,
            FieldErrorKind::Refused => UserErrorCode::ContentRefused,
        };
        let name = match error.field {
            ProfileField::Nickname => "nickname",
            ProfileField::Locale => "locale",
            ProfileField::AvatarUrl => "avatarUrl",
            ProfileField::Metadata => "metadata",
        };
        Self { message: message(error, language), code, field: Some(vec!["input", name]) }
    }
}

fn refusal_message(refusal: Refusal, language: Language) -> &'static str {
    let (english, chinese) = match refusal {
        Refusal::WrongPerson => ("This WeChat account is not linked to your account.", "该微信账号未与当前账号关联。"),
        Refusal::IdentityTaken => ("This WeChat account is linked to another account.", "该微信账号已关联其他账号。"),
        Refusal::NoIdentity => ("The identity does not exist.", "该身份不存在。"),
        Refusal::LastIdentity => ("The last identity cannot be unlinked.", "不能解除关联最后一个身份。"),
        Refusal::TicketUsed => ("The ticket was used or has expired.", "该凭据已使用或已过期。"),
        Refusal::NotActive => {
            ("An account that is suspended or will be deleted cannot be merged.", "已停用或正在注销的账号不能合并。")
        }
    };
    match language {
        Language::En => english,
        Language::Zh => chinese,
    }
}

fn message(error: FieldError, language: Language) -> &'static str {
    use FieldErrorKind::{Blank, Invalid, NotOwn, Refused, TooDeep, TooLong, TooMany};
    use ProfileField::{AvatarUrl, Locale, Metadata, Nickname};
    let (english, chinese) = match (error.field, error.kind) {
        (Nickname, Blank) => ("The nickname is empty.", "昵称不能为空。"),
        (Nickname, TooLong) => ("A nickname has at most 32 characters.", "昵称最多 32 个字符。"),
        (Nickname, Invalid) => {
            ("A nickname must not contain line breaks or control characters.", "昵称不能包含换行或控制字符。")
        }
        (Nickname, Refused) => {
            ("This nickname cannot be used. Please choose another one.", "该昵称无法使用，请换一个。")
        }
        (Locale, Blank) => ("The language is empty.", "语言不能为空。"),
        (Locale, TooLong) => ("A language tag has at most 35 characters.", "语言标签最多 35 个字符。"),
        (Locale, Invalid) => ("The language must be a tag such as zh-CN.", "语言必须是 zh-CN 这样的标签。"),
        (AvatarUrl, Blank) => ("The address of the picture is empty.", "头像地址不能为空。"),
        (AvatarUrl, TooLong) => ("The address of the picture has at most 512 bytes.", "头像地址最长 512 字节。"),
        (AvatarUrl, Invalid) => {
            ("The address of the picture must begin with https://.", "头像地址必须以 https:// 开头。")
        }
        (AvatarUrl, NotOwn) => {
            ("This uploaded picture is not yours, or is no longer in use.", "该上传的头像不属于你，或已不再使用。")
        }
        (Metadata, TooLong) => ("The metadata must not be longer than 8 KiB as JSON.", "元数据（JSON）最多 8 KiB。"),
        (Metadata, TooDeep) => ("The metadata must not have more than 16 levels.", "元数据最多嵌套 16 层。"),
        (Metadata, TooMany) => ("The metadata must not have more than 1,000 keys.", "元数据最多 1000 个键。"),
        (_, Blank | Invalid | NotOwn | Refused | TooDeep | TooMany) => ("The value is invalid.", "该值无效。"),
    };
    match language {
        Language::En => english,
        Language::Zh => chinese,
    }
}
