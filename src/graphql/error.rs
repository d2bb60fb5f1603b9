//! Turns the library's errors into errors of the error table. An `ApiError` reaches the client as it is; of any other
//! error the client gets the code, and of an internal error nothing else.

use async_graphql::{ErrorExtensionValues, ServerError, Value};

use crate::error::{ApiError, Code, Language};

/// The value of a nullable field that may fail. With the `Option` outside, the library sets a failed field to `null`;
/// with the `Result` outside, the error would also discard the fields next to it.
pub(super) type Nullable<T> = Option<Result<T, ApiError>>;

/// The most errors in one response. A hostile document has thousands.
const ERRORS: usize = 20;

/// The longest message of a library's error, in characters: it quotes the document.
const MESSAGE: usize = 200;

/// How the messages of the library's limits begin. Nothing else identifies these errors.
const LIMITS: [&str; 5] = [
    "Query is nested too deep.",
    "Query is too complex.",
    "The recursion depth of the query cannot be greater than",
    "The number of directives on the field",
    "The amount of aliases",
];

/// Gives each error its code, action and request id, in the caller's language, and returns them for the log.
pub fn present(errors: &mut Vec<ServerError>, began: bool, language: Language, request_id: &str) -> Vec<ApiError> {
    errors.truncate(ERRORS);
    errors.iter_mut().map(|error| present_one(error, began, language, request_id)).collect()
}

fn present_one(error: &mut ServerError, began: bool, language: Language, request_id: &str) -> ApiError {
    let known = error.source::<ApiError>().cloned();
    let ours = known.is_some();
    let api = known.unwrap_or_else(|| translate(error, began));
    error.message = if ours || api.code == Code::InternalServerError {
        api.message(language)
    } else {
        error.message.chars().take(MESSAGE).collect()
    };
    error.source = None;
    error.extensions = Some(extensions(&api, request_id));
    api
}

/// The error of the table for an error of the library.
fn translate(error: &ServerError, began: bool) -> ApiError {
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
    for (name, value) in api.members(request_id) {
        // a text or a whole number: each is a value of GraphQL too
        extensions.set(name, Value::from_json(value).unwrap_or_default());
    }
    extensions
}

/// A resolver failed with an error that is not an `ApiError`. Its text may contain anything, so it is neither sent nor
/// logged.
#[derive(Debug, thiserror::Error)]
#[error("a resolver failed with an error that is not from the table")]
struct Foreign;

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

    use super::*;

    /// A schema whose resolvers fail with this text.
    struct Query(&'static str);

    #[Object]
    impl Query {
        fn foreign(&self) -> std::io::Result<i32> {
            Err(std::io::Error::other(self.0))
        }

        fn ours(&self) -> Result<i32, ApiError> {
            Err(ApiError::internal(std::io::Error::other(self.0)))
        }
    }

    #[tokio::test]
    async fn text_of_a_foreign_error_is_not_sent() {
        let schema =
            Schema::new(Query("connection to postgres://me:hunter2@db lost"), EmptyMutation, EmptySubscription);
        for query in ["{ foreign }", "{ ours }"] {
            let mut errors = schema.execute(query).await.errors;
            assert_eq!(errors.len(), 1);
            let logged = present(&mut errors, true, Language::En, "request-1");
            assert_eq!(errors[0].message, Code::InternalServerError.message(Language::En));
            assert!(errors[0].source.is_none());
            let sent = serde_json::to_string(&errors).unwrap();
            assert!(sent.contains("INTERNAL_SERVER_ERROR") && !sent.contains("hunter2"), "{sent}");
            assert_eq!(logged[0].code, Code::InternalServerError);
        }
    }
}
