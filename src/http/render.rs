//! Renders responses, GraphQL's and REST's, and logs the errors in them.

use std::io;

use async_graphql::{ServerError, Value};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use serde_json::json;

use super::{accept::Media, request::RequestContext};
use crate::{
    error::{ApiError, Code},
    graphql::{present, whole},
};

/// Headers that a response has in the end.
const HEADER_COUNT: usize = 10;

/// The longest GraphQL response, in bytes. The introspection query of tools, and a list of a hundred users whose values
/// all have the greatest length (metadata aside), take less than 100 KiB.
const MAX_LENGTH: usize = 512 * 1024;

/// The initial capacity of a body, in bytes. Most bodies fit.
const INITIAL_CAPACITY: usize = 512;

/// The stage that a GraphQL request reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is not a GraphQL request.
    Malformed(Code),
    /// Its method is not allowed; the allowed ones are these.
    WrongMethod(&'static str),
    /// It was refused before execution.
    NotExecuted,
    /// It was executed, with or without errors.
    Executed,
}

/// The body of a GraphQL response. It has no `data` if nothing was executed.
#[derive(Serialize)]
struct GraphqlBody {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

/// The status of a GraphQL response, as clients in use expect it and the public audits of GraphQL over HTTP check it:
/// 400 for a request that was not executed, but 200 if the client accepts the older media type alone. The newest draft
/// of the specification has 422, and 294 for partial success.
fn status(stage: Stage, media: Media) -> StatusCode {
    match (stage, media) {
        (Stage::Malformed(code), _) => status_of(code),
        (Stage::WrongMethod(_), _) => status_of(Code::MethodNotAllowed),
        (Stage::NotExecuted, Media::GraphqlResponse) => StatusCode::BAD_REQUEST,
        (Stage::NotExecuted, Media::Json) | (Stage::Executed, _) => StatusCode::OK,
    }
}

/// A GraphQL response with presented errors; `None` if it is longer than [`MAX_LENGTH`].
pub(super) fn graphql(stage: Stage, media: Media, data: Value, errors: Vec<ServerError>) -> Option<Response> {
    let data = (stage == Stage::Executed).then_some(data);
    let body = bounded_json(&GraphqlBody { errors, data })?;
    let mut response = graphql_response(status(stage, media), media, body);
    if let Stage::WrongMethod(allowed) = stage {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    }
    Some(response)
}

/// The error in place of a response that is longer than [`MAX_LENGTH`].
pub(super) fn response_too_long() -> ServerError {
    let detail = format!("The response would be longer than {MAX_LENGTH} bytes.");
    whole(ApiError::new(Code::QueryTooExpensive).detail(detail))
}

/// A GraphQL response without errors, with `data` as JSON.
pub(super) fn graphql_data(media: Media, data: &[u8]) -> Response {
    let body = [br#"{"data":"#, data, b"}"].concat();
    graphql_response(status(Stage::Executed, media), media, body)
}

fn graphql_response(status: StatusCode, media: Media, body: Vec<u8>) -> Response {
    let mut response = response(status, media.as_str(), body);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language, Authorization"));
    response
}

/// A REST error.
pub(super) fn rest_error(error: &ApiError, context: &RequestContext) -> Response {
    log_error(error, &context.id);
    let mut body = error.members(&context.id);
    body.insert("message".to_owned(), error.message(context.caller.language()).into());
    let mut response = json_response(status_of(error.code), &json!({ "error": body }));
    set_retry_after(&mut response, error);
    response
}

/// Adds `Retry-After`, if the error has one.
pub(super) fn set_retry_after(response: &mut Response, error: &ApiError) {
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// A response in plain text.
pub(super) fn text_response(status: StatusCode, text: String) -> Response {
    response(status, "text/plain; charset=utf-8", text.into_bytes())
}

/// A JSON response.
pub(super) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    response(status, Media::Json.as_str(), to_json(body))
}

/// A value as JSON; `None` if it is longer than [`MAX_LENGTH`].
pub(super) fn bounded_json(body: &impl Serialize) -> Option<Vec<u8>> {
    let mut writer = BoundedWriter(Vec::with_capacity(INITIAL_CAPACITY));
    serde_json::to_writer(&mut writer, body).is_ok().then_some(writer.0)
}

/// A buffer that fails beyond [`MAX_LENGTH`].
struct BoundedWriter(Vec<u8>);

impl io::Write for BoundedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_LENGTH {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

fn response(status: StatusCode, media: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().reserve(HEADER_COUNT);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// The error of a request that reached no handler, in the form of GraphQL or REST.
pub(super) fn route_error(is_graphql: bool, error: &ApiError, context: &RequestContext) -> Response {
    if !is_graphql {
        return rest_error(error, context);
    }
    log_error(error, &context.id);
    let mut errors = vec![whole(error.clone())];
    present(&mut errors, false, context.caller.language(), &context.id);
    let mut response = graphql(Stage::Malformed(error.code), Media::Json, Value::Null, errors).unwrap_or_default();
    set_retry_after(&mut response, error);
    response
}

/// Logs an error that is sent to a client: internal errors at `error` with their causes, all others at `debug`.
pub(super) fn log_error(error: &ApiError, request_id: &str) {
    let code = error.code.as_str();
    match &error.cause {
        Some(cause) if error.code == Code::InternalServerError => {
            tracing::error!(request_id, code, cause = %Chain(cause.as_ref()), "request failed");
        }
        _ => tracing::debug!(request_id, code, reason = error.reason, "request refused"),
    }
}

/// An error with its causes, on one line.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

fn status_of(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
