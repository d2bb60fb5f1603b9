//! A response of the server, and its parts that tests compare.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A response, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body if it is JSON, otherwise null.
    pub(crate) body: Value,
    /// The body as text.
    pub(crate) text: String,
    /// The body as bytes.
    pub(crate) bytes: Vec<u8>,
}

impl ApiResponse {
    /// `data` of a GraphQL response without errors.
    #[track_caller]
    pub(crate) fn data(&self) -> &Value {
        assert!(self.body.get("errors").is_none(), "{}", self.body);
        &self.body["data"]
    }

    /// The first error: its `extensions` in GraphQL, or the error object in REST.
    #[track_caller]
    pub(crate) fn error(&self) -> &Value {
        let error = self.body.pointer("/errors/0/extensions").or_else(|| self.body.get("error"));
        error.unwrap_or_else(|| panic!("no error in {}", self.body))
    }

    /// The code of the first error.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        self.error()["code"].as_str().unwrap()
    }

    /// The code of the first error; `None` if there is no error.
    pub(crate) fn code_or_none(&self) -> Option<String> {
        let error = self.body.pointer("/errors/0/extensions").or_else(|| self.body.get("error"))?;
        error["code"].as_str().map(str::to_owned)
    }

    /// The message of the first error.
    #[track_caller]
    pub(crate) fn message(&self) -> &str {
        let message = self.body.pointer("/errors/0/message").or_else(|| self.body.pointer("/error/message"));
        message.and_then(Value::as_str).unwrap_or_else(|| panic!("no message in {}", self.body))
    }

    /// The `reason` of the first error, which must be `UNAUTHENTICATED`.
    #[track_caller]
    pub(crate) fn refusal(&self) -> &str {
        assert_eq!((self.code(), &self.error()["action"]), ("UNAUTHENTICATED", &Value::from("RELOGIN")));
        self.error()["reason"].as_str().unwrap_or_else(|| panic!("no reason in {}", self.body))
    }
}
