//! The refusal of a document before its execution.

use async_graphql::{Pos, ServerError};

use crate::error::{ApiError, Code};

/// The error that a client gets instead of an execution, and its locations in the document.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The error.
    pub(super) error: ApiError,
    /// The locations of the error.
    pub(super) places: Vec<Pos>,
}

impl Refusal {
    /// `QUERY_TOO_EXPENSIVE`: the document exceeds a limit.
    pub(super) fn over_limit(what: &str, limit: impl std::fmt::Display) -> Self {
        ApiError::new(Code::QueryTooExpensive).detail(format!("At most {limit} {what}.")).into()
    }

    /// `GRAPHQL_VALIDATION_FAILED` at a location.
    pub(super) fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>, place: Pos) -> Self {
        Self { error: ApiError::new(Code::GraphqlValidationFailed).detail(detail), places: vec![place] }
    }

    /// `GRAPHQL_PARSE_FAILED`. The client gets the location of a syntax error and not the parser's message, which
    /// quotes the document.
    pub(super) fn unparsable(error: ServerError) -> Self {
        Self { error: Code::GraphqlParseFailed.into(), places: error.locations }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, places: Vec::new() }
    }
}
