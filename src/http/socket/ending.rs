//! How a WebSocket is closed: the codes of `graphql-transport-ws` and of RFC 6455, which tell a client what to do next.

use std::borrow::Cow;

use axum::extract::ws::{CloseFrame, Message};

use crate::error::{Action, ApiError};

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    code: u16,
    reason: Cow<'static, str>,
}

impl Ending {
    /// Nothing more is to be said.
    pub(super) const DONE: Self = Self::because(1000, "Done");
    /// The server stops: connect again, to another one.
    pub(super) const GOING_AWAY: Self = Self::because(1001, "Going away");
    /// What came was no WebSocket.
    pub(super) const BROKEN: Self = Self::because(1002, "Protocol error");
    /// A message was longer than any may be.
    pub(super) const TOO_LONG: Self = Self::because(1009, "Message too long");
    /// Nothing was heard for long.
    pub(super) const SILENT: Self = Self::because(3008, "Timeout");
    /// A message made no sense.
    pub(super) const MALFORMED: Self = Self::because(4400, "Invalid message");
    /// Something was asked before the connection was acknowledged.
    pub(super) const UNACKNOWLEDGED: Self = Self::because(4401, "Unauthorized");
    /// The first message did not come in time.
    pub(super) const UNINTRODUCED: Self = Self::because(4408, "Connection initialisation timeout");
    /// An id was given twice.
    pub(super) const TAKEN: Self = Self::because(4409, "Subscriber for this id already exists");
    /// The first message came twice.
    pub(super) const INTRODUCED: Self = Self::because(4429, "Too many initialisation requests");

    const fn because(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// The token is not good: with another one the client is welcome.
    pub(super) fn refused(error: &ApiError) -> Self {
        Self::told(4403, "Forbidden", error)
    }

    /// The session is over, and only a login makes another one. A token that has expired is no such end.
    pub(super) fn left(error: &ApiError) -> Self {
        if error.reason == Some("EXPIRED") { Self::refused(error) } else { Self::told(4401, "Unauthorized", error) }
    }

    fn told(code: u16, title: &str, error: &ApiError) -> Self {
        let word = error.reason.unwrap_or(error.code.as_str());
        // RFC 6455's registry: try again later
        let (code, title) =
            if error.code.action() == Action::Retry { (1013, "Try again later") } else { (code, title) };
        Self { code, reason: format!("{title}: {word}").into() }
    }

    /// The client's bytes cannot be read on.
    pub(super) fn cut(error: &axum::Error) -> Self {
        // the library under axum has a kind for it, which axum does not show
        let is_too_long = error.to_string().starts_with("Space limit exceeded");
        if is_too_long { Self::TOO_LONG } else { Self::BROKEN }
    }

    /// Whether the client's bytes cannot be read on.
    pub(super) fn is_cut(&self) -> bool {
        [Self::TOO_LONG, Self::BROKEN].contains(self)
    }

    /// Whether the client is to hear of it from what they listen to, before the connection is closed.
    pub(super) fn has_last_words(&self) -> bool {
        self.code == 4401
    }

    /// The last frame.
    pub(super) fn frame(self) -> Message {
        Message::Close(Some(CloseFrame { code: self.code, reason: self.reason.as_ref().into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn the_code_tells_whether_to_log_in_to_refresh_or_to_wait() {
        let unauthenticated = ApiError::unauthenticated;
        for (ending, code, reason) in [
            (Ending::refused(&unauthenticated("MISSING")), 4403, "Forbidden: MISSING"),
            (Ending::refused(&unauthenticated("LOGGED_OUT")), 4403, "Forbidden: LOGGED_OUT"),
            (Ending::refused(&Code::AccountSuspended.into()), 4403, "Forbidden: ACCOUNT_SUSPENDED"),
            (Ending::refused(&Code::Overloaded.into()), 1013, "Try again later: OVERLOADED"),
            (Ending::left(&unauthenticated("EXPIRED")), 4403, "Forbidden: EXPIRED"),
            (Ending::left(&unauthenticated("LOGGED_OUT")), 4401, "Unauthorized: LOGGED_OUT"),
            (Ending::left(&Code::AccountSuspended.into()), 4401, "Unauthorized: ACCOUNT_SUSPENDED"),
            (Ending::left(&Code::InternalServerError.into()), 1013, "Try again later: INTERNAL_SERVER_ERROR"),
        ] {
            assert_eq!((ending.code, &*ending.reason), (code, reason));
        }
    }
}
