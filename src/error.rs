//! The table of errors: every code that a client can get, the action that the client takes, the HTTP status outside
//! GraphQL, and the message in English and Chinese. `ApiError` is the only error that reaches a client.

use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use serde_json::{Map, Value};

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Call `wx.login` again and log in with the new code.
    Relogin,
    /// Wait `retryAfter` seconds, then send the same request again.
    Retry,
    /// The request is wrong: change it.
    Fix,
    /// Nothing: the client cannot succeed.
    GiveUp,
    /// Nothing: an operator must correct the server's settings.
    Operator,
}

impl Action {
    /// The name in `extensions.action`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relogin => "RELOGIN",
            Self::Retry => "RETRY",
            Self::Fix => "FIX",
            Self::GiveUp => "GIVE_UP",
            Self::Operator => "OPERATOR",
        }
    }
}

/// The languages of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

macro_rules! error_table {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $action:ident, $status:literal, $en:literal, $zh:literal;)+) => {
        /// Every code in `extensions.code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $code,)+ }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$code,)+];

            /// The name in `extensions.code`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$code => $name,)+ }
            }

            /// What a client that gets the code does next.
            #[must_use]
            pub fn action(self) -> Action {
                match self { $(Self::$code => Action::$action,)+ }
            }

            /// The HTTP status of a response that contains only this error.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$code => $status,)+ }
            }

            /// The message for the user.
            #[must_use]
            pub fn message(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$code, Language::En) => $en, (Self::$code, Language::Zh) => $zh,)+
                }
            }
        }
    };
}

error_table! {
    /// No token, or one that does not name a live session.
    Unauthenticated = "UNAUTHENTICATED", Relogin, 401, "Please log in.", "请先登录。";
    /// Signed in, but not allowed.
    Forbidden = "FORBIDDEN", GiveUp, 403, "You do not have permission to do this.", "没有权限。";
    /// The login code is invalid, has expired, or belongs to another mini program.
    InvalidCode = "INVALID_CODE", Relogin, 401, "The login code is invalid or has expired.", "登录凭证无效或已过期。";
    /// The login code was used before.
    CodeUsed = "CODE_USED", Relogin, 401, "The login code has already been used.", "登录凭证已被使用。";
    /// WeChat refuses this user's logins.
    LoginBlocked = "LOGIN_BLOCKED", GiveUp, 403, "WeChat has blocked this login.", "微信已拦截此次登录。";
    /// No account has this identity, and the client does not want a new account.
    AccountNotFound = "ACCOUNT_NOT_FOUND", GiveUp, 404, "There is no account for this login yet.", "该登录尚无账号。";
    /// An operator suspended the account.
    AccountSuspended = "ACCOUNT_SUSPENDED", GiveUp, 403, "This account is suspended.", "账号已被停用。";
    /// The appid is not one of the configured ones.
    UnknownApp = "UNKNOWN_APP", Fix, 400, "This mini program is not configured here.", "未配置该小程序。";
    /// Too many requests, by our limits or WeChat's.
    RateLimited = "RATE_LIMITED", Retry, 429, "Too many requests. Please wait.", "请求过于频繁，请稍后再试。";
    /// WeChat did not respond, or its response is invalid.
    ProviderUnavailable = "PROVIDER_UNAVAILABLE", Retry, 503, "WeChat cannot be reached. Please try again.", "暂时无法连接微信，请稍后再试。";
    /// WeChat refuses the server's settings.
    ProviderMisconfigured = "PROVIDER_MISCONFIGURED", Operator, 503, "This is not available at the moment.", "该功能暂不可用。";
    /// Encrypted data cannot be decrypted with the stored session keys.
    SessionKeyStale = "SESSION_KEY_STALE", Relogin, 409, "Please log in again, then ask WeChat for the data again.", "请重新登录后再获取数据。";
    /// A hash without a text, although no documents are registered. Clients compare the message, and then send the
    /// text, so the message is not translated and has no detail.
    PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED", Fix, 400, "PersistedQueryNotSupported", "PersistedQueryNotSupported";
    /// The route does not exist.
    NotFound = "NOT_FOUND", Fix, 404, "This address does not exist.", "该地址不存在。";
    /// An argument is invalid.
    BadUserInput = "BAD_USER_INPUT", Fix, 400, "The input is not valid.", "输入无效。";
    /// The HTTP request is not a GraphQL request.
    BadRequest = "BAD_REQUEST", Fix, 400, "The request is not valid.", "请求无效。";
    /// The document is not GraphQL.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED", Fix, 400, "The GraphQL document has a syntax error.", "GraphQL 文档存在语法错误。";
    /// The document does not match the schema.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED", Fix, 400, "The GraphQL document does not fit the schema.", "GraphQL 文档与 schema 不符。";
    /// The document has no operation with the name in `operationName`.
    OperationResolutionFailure = "OPERATION_RESOLUTION_FAILURE", Fix, 400, "The operation to execute cannot be determined.", "无法确定要执行的操作。";
    /// The document exceeds a limit.
    QueryTooExpensive = "QUERY_TOO_EXPENSIVE", Fix, 400, "The query asks for too much.", "查询过于复杂。";
    /// The route does not support the HTTP method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", Fix, 405, "This method is not allowed for this address.", "不支持该请求方法。";
    /// The route does not accept the media type of the body.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", Fix, 415, "The media type of the body is not supported.", "不支持该请求体类型。";
    /// The response cannot have any media type of `Accept`.
    NotAcceptable = "NOT_ACCEPTABLE", Fix, 406, "None of the accepted media types is supported.", "无法提供所接受的媒体类型。";
    /// The body is too long.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", Fix, 413, "The request is too large.", "请求体过大。";
    /// The response was not ready in time.
    Timeout = "TIMEOUT", Retry, 504, "The request took too long.", "请求超时。";
    /// The server has reached a limit of concurrent work.
    Overloaded = "OVERLOADED", Retry, 503, "The server is busy. Please try again.", "服务器繁忙，请稍后再试。";
    /// An error of the server; its cause is in the log.
    InternalServerError = "INTERNAL_SERVER_ERROR", Retry, 500, "Something went wrong on our side.", "服务器内部错误。";
}

/// An error as a client sees it, with its cause for the log.
#[derive(Clone)]
pub struct ApiError {
    /// The row of the table.
    pub code: Code,
    /// The reason in more detail than the code, if the caller may know it: `extensions.reason`.
    pub reason: Option<&'static str>,
    /// How long to wait before a retry: `extensions.retryAfter`, in whole seconds.
    pub retry_after: Option<Duration>,
    /// The detail, in English and without secrets: it is added to the message.
    pub detail: Option<Cow<'static, str>>,
    /// The cause, only for the log.
    pub cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// The error of a code. With the action `RETRY`, `retryAfter` is one second by default.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after = (code.action() == Action::Retry).then_some(Duration::from_secs(1));
        Self { code, reason: None, retry_after, detail: None, cause: None }
    }

    /// An internal error, of which the client gets only the code.
    #[must_use]
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..Self::new(Code::InternalServerError) }
    }

    /// The caller is not signed in, for this reason.
    #[must_use]
    pub fn unauthenticated(reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::new(Code::Unauthenticated) }
    }

    /// Adds a detail. The client gets it, so it must not contain secrets.
    #[must_use]
    pub fn detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Sets how long to wait before a retry.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn cause(self, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// Whether a retry may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.code.action(), Action::Retry | Action::Operator)
    }

    /// The message for the user.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let message = self.code.message(language);
        self.detail.as_ref().map_or_else(|| message.to_owned(), |detail| format!("{message} {detail}"))
    }

    /// The members that a client gets in addition to the message: in the REST error, or in `extensions` in GraphQL.
    #[must_use]
    pub fn members(&self, request_id: &str) -> Map<String, Value> {
        let optional =
            [("reason", self.reason.map(Value::from)), ("retryAfter", self.retry_after_seconds().map(Value::from))];
        let required =
            [("code", self.code.as_str()), ("action", self.code.action().as_str()), ("requestId", request_id)];
        let required = required.into_iter().map(|(name, text)| (name, Some(text.into())));
        required.chain(optional).filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// Seconds to wait, rounded up: the unit of `extensions.retryAfter` and of `Retry-After` (RFC 9110).
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX))
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError").field("code", &self.code).field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_unique_and_messages_differ_by_language() {
        for (position, code) in Code::ALL.iter().enumerate() {
            let is_translated = code.message(Language::En) != code.message(Language::Zh);
            assert_eq!(is_translated, *code != Code::PersistedQueryNotSupported);
            assert!(Code::ALL[position + 1..].iter().all(|other| other.as_str() != code.as_str()));
        }
    }

    #[test]
    fn retry_errors_say_how_long_to_wait_and_others_do_not() {
        for code in Code::ALL {
            assert_eq!(ApiError::new(*code).retry_after_seconds().is_some(), code.action() == Action::Retry);
        }
    }

    #[test]
    fn waits_are_rounded_up_to_whole_seconds() {
        let error = ApiError::new(Code::RateLimited).retry_after(Duration::from_millis(1200));
        assert_eq!(error.retry_after_seconds(), Some(2));
    }

    #[test]
    fn members_are_those_that_are_set() {
        let error = ApiError::unauthenticated("MISSING");
        let expected = json!({ "code": "UNAUTHENTICATED", "action": "RELOGIN", "requestId": "r", "reason": "MISSING" });
        assert_eq!(Value::from(error.members("r")), expected);
        let error = ApiError::internal(std::io::Error::other("secret=abc")).detail("abc");
        let expected = json!({ "code": "INTERNAL_SERVER_ERROR", "action": "RETRY", "requestId": "r", "retryAfter": 1 });
        assert_eq!(Value::from(error.members("r")), expected);
    }

    #[test]
    fn debug_hides_cause_and_detail() {
        let cause = std::io::Error::other("secret=abc");
        let error = ApiError::internal(cause);
        assert!(!format!("{error:?} {error}").contains("abc"));
    }
}
