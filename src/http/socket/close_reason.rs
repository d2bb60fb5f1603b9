//! Close codes of WebSockets, by `graphql-transport-ws` and RFC 6455. A client decides by the code what to do next.

use std::borrow::Cow;

use axum::extract::ws::{CloseFrame, Message};

use crate::error::{Action, ApiError};

/// Why a connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CloseReason {
    code: u16,
    reason: Cow<'static, str>,
}

impl CloseReason {
    /// The library ended the connection.
    pub(super) const DONE: Self = Self::with_code(1000, "Done");
    /// The server stops. The client should connect again.
    pub(super) const GOING_AWAY: Self = Self::with_code(1001, "Going away");
    /// The bytes are not WebSocket frames.
    pub(super) const PROTOCOL_ERROR: Self = Self::with_code(1002, "Protocol error");
    /// A message is too long.
    pub(super) const MESSAGE_TOO_LONG: Self = Self::with_code(1009, "Message too long");
    /// The client sent nothing for too long.
    pub(super) const IDLE: Self = Self::with_code(3008, "Timeout");
    /// A message is invalid.
    pub(super) const INVALID_MESSAGE: Self = Self::with_code(4400, "Invalid message");
    /// The client subscribed before the connection was acknowledged.
    pub(super) const NOT_ACKNOWLEDGED: Self = Self::with_code(4401, "Unauthorized");
    /// `connection_init` did not come in time.
    pub(super) const INIT_TIMEOUT: Self = Self::with_code(4408, "Connection initialisation timeout");
    /// Too many connections wait for `connection_init`, and this one is the oldest.
    pub(super) const OVERLOADED: Self = Self::with_code(1013, "Try again later: OVERLOADED");
    /// An operation has the id of a running one.
    pub(super) const ID_IN_USE: Self = Self::with_code(4409, "Subscriber for this id already exists");
    /// `connection_init` came twice.
    pub(super) const TOO_MANY_INITS: Self = Self::with_code(4429, "Too many initialisation requests");

    const fn with_code(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// `connection_init` was refused. The client may try again with another token.
    pub(super) fn refused(error: &ApiError) -> Self {
        Self::with_error(4403, "Forbidden", error)
    }

    /// The session ended, and the client must log in; or the token expired, and the client may try again with another one.
    pub(super) fn session_ended(error: &ApiError) -> Self {
        if error.reason == Some("EXPIRED") {
            Self::refused(error)
        } else {
            Self::with_error(4401, "Unauthorized", error)
        }
    }

    fn with_error(code: u16, title: &str, error: &ApiError) -> Self {
        let word = error.reason.unwrap_or(error.code.as_str());
        // 1013 is "try again later" in RFC 6455's registry
        let (code, title) =
            if error.code.action() == Action::Retry { (1013, "Try again later") } else { (code, title) };
        Self { code, reason: format!("{title}: {word}").into() }
    }

    /// The client's bytes cannot be read.
    pub(super) fn read_error(error: &axum::Error) -> Self {
        // axum hides the error type of tungstenite
        let is_too_long = error.to_string().starts_with("Space limit exceeded");
        if is_too_long { Self::MESSAGE_TOO_LONG } else { Self::PROTOCOL_ERROR }
    }

    /// Whether the client's bytes cannot be read.
    pub(super) fn is_read_error(&self) -> bool {
        [Self::MESSAGE_TOO_LONG, Self::PROTOCOL_ERROR].contains(self)
    }

    /// Whether running subscriptions deliver the end of the session as an event before the connection is closed.
    pub(super) fn waits_for_last_event(&self) -> bool {
        self.code == 4401
    }

    /// The close frame.
    pub(super) fn frame(self) -> Message {
        Message::Close(Some(CloseFrame { code: self.code, reason: self.reason.as_ref().into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn close_code_distinguishes_login_refresh_and_retry() {
        let unauthenticated = ApiError::unauthenticated;
        for (close_reason, code, reason) in [
            (CloseReason::refused(&unauthenticated("MISSING")), 4403, "Forbidden: MISSING"),
            (CloseReason::refused(&unauthenticated("LOGGED_OUT")), 4403, "Forbidden: LOGGED_OUT"),
            (CloseReason::refused(&Code::AccountSuspended.into()), 4403, "Forbidden: ACCOUNT_SUSPENDED"),
            (CloseReason::refused(&Code::Overloaded.into()), 1013, "Try again later: OVERLOADED"),
            (CloseReason::session_ended(&unauthenticated("EXPIRED")), 4403, "Forbidden: EXPIRED"),
            (CloseReason::session_ended(&unauthenticated("LOGGED_OUT")), 4401, "Unauthorized: LOGGED_OUT"),
            (CloseReason::session_ended(&Code::AccountSuspended.into()), 4401, "Unauthorized: ACCOUNT_SUSPENDED"),
            (
                CloseReason::session_ended(&Code::InternalServerError.into()),
                1013,
                "Try again later: INTERNAL_SERVER_ERROR",
            ),
        ] {
            assert_eq!((close_reason.code, &*close_reason.reason), (code, reason));
        }
    }
}
