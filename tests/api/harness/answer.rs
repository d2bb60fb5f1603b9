//! An answer of the server, and what a test wants to know of it.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body, where it is JSON; else null.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
    /// The same, where it is no text.
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// `data` of a GraphQL answer without errors.
    #[track_caller]
    pub(crate) fn data(&self) -> &Value {
        assert!(self.body.get("errors").is_none(), "{}", self.body);
        &self.body["data"]
    }

    /// The first error: of GraphQL (its `extensions`) or of REST.
    #[track_caller]
    pub(crate) fn error(&self) -> &Value {
        let error = self.body.pointer("/errors/0/extensions").or_else(|| self.body.get("error"));
        error.unwrap_or_else(|| panic!("no error in {}", self.body))
    }

    /// Code of the first error.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        self.error()["code"].as_str().unwrap()
    }

    /// The same; `None` where there is no error.
    pub(crate) fn code_or_none(&self) -> Option<String> {
        let error = self.body.pointer("/errors/0/extensions").or_else(|| self.body.get("error"))?;
        error["code"].as_str().map(str::to_owned)
    }

    /// Message of the first error.
    #[track_caller]
    pub(crate) fn message(&self) -> &str {
        let message = self.body.pointer("/errors/0/message").or_else(|| self.body.pointer("/error/message"));
        message.and_then(Value::as_str).unwrap_or_else(|| panic!("no message in {}", self.body))
    }

    /// Why the caller counts as nobody: `reason` of the first error, which tells the client to log in.
    #[track_caller]
    pub(crate) fn refusal(&self) -> &str {
        assert_eq!((self.code(), &self.error()["action"]), ("UNAUTHENTICATED", &Value::from("RELOGIN")));
        self.error()["reason"].as_str().unwrap_or_else(|| panic!("no reason in {}", self.body))
    }
}
