//! Makes the library's errors ours. Only what comes from the one table reaches a client as it is; of anything else the
//! client learns its kind, and of a fault of ours nothing but that there was one.

use async_graphql::{ErrorExtensionValues, ServerError, Value};

use crate::error::{ApiError, Code, Language};

/// What a nullable field that may fail gives. With the `Option` outside, the library puts `null` in the failed field's
/// place; with the `Result` outside it would let the error take the fields beside it down as well.
pub(super) type Nullable<T> = Option<Result<T, ApiError>>;

/// The most errors one answer holds. A hostile document has thousands.
const ERRORS: usize = 20;

/// The longest message the library's own errors may have, in characters: they quote the client.
const MESSAGE: usize = 200;

/// What the library says of a document that goes beyond a limit. It gives no other sign.
const LIMITS: [&str; 5] = [
    "Query is nested too deep.",
    "Query is too complex.",
    "The recursion depth of the query cannot be greater than",
    "The number of directives on the field",
    "The amount of aliases",
];

/// Gives each error its code, action and request id, in the caller's language, and gives back the errors of ours that
/// the log wants.
pub fn present(errors: &mut Vec<ServerError>, began: bool, language: Language, request_id: &str) -> Vec<ApiError> {
    errors.truncate(ERRORS);
    errors.iter_mut().map(|error| present_one(error, began, language, request_id)).collect()
}

fn present_one(error: &mut ServerError, began: bool, language: Language, request_id: &str) -> ApiError {
    let known = error.source::<ApiError>().cloned();
    let ours = known.is_some();
    let api = known.unwrap_or_else(|| kind(error, began));
    error.message = if ours || api.code == Code::InternalServerError {
        api.message(language)
    } else {
        error.message.chars().take(MESSAGE).collect()
    };
    error.source = None;
    error.extensions = Some(extensions(&api, request_id));
    api
}

/// The kind of an error the library made.
fn kind(error: &ServerError, began: bool) -> ApiError {
    if error.source.is_some() {
        return ApiError::internal(Foreign);
    }
    if LIMITS.iter().any(|limit| error.message.starts_with(limit)) {
        return Code::QueryTooExpensive.into();
    }
    if began { Code::BadUserInput.into() } else { Code::GraphqlValidationFailed.into() }
}

/// `extensions` of an error.
pub(super) fn extensions(api: &ApiError, request_id: &str) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", api.code.as_str());
    extensions.set("action", api.code.action().as_str());
    extensions.set("requestId", request_id);
    if let Some(reason) = api.reason {
        extensions.set("reason", reason);
    }
    if let Some(seconds) = api.retry_after_seconds() {
        extensions.set("retryAfter", Value::from(seconds));
    }
    extensions
}

/// An error of a type that is not ours came out of a resolver. What it says may hold anything, so it is not said.
#[derive(Debug, thiserror::Error)]
#[error("a resolver failed with an error that is not from the table")]
struct Foreign;
