//! Writes answers: GraphQL's and REST's, and the one log line of each that failed.

use async_graphql::{ServerError, Value};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use serde_json::json;

use super::{accept::Media, request::Brought};
use crate::{
    error::{ApiError, Code},
    graphql::{present, whole},
};

/// Headers an answer has in the end.
const HEADERS: usize = 10;

/// How far a GraphQL request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is no GraphQL request.
    Malformed(Code),
    /// It came by another method than one of these.
    WrongMethod(&'static str),
    /// It is one, but it cannot be executed.
    NotExecuted,
    /// It was executed, whatever came of it.
    Executed,
}

/// The body of a GraphQL answer. Without `data` where nothing was executed.
#[derive(Serialize)]
struct GraphqlBody {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

/// Status of a GraphQL answer: the one place that decides it. Follows what clients in use expect (and the public audits
/// of GraphQL over HTTP check): 400 for a request that was not executed, but 200 where the client asked for the older
/// media type. The newest draft of the specification would have 422, and 294 for partial success.
fn status(stage: Stage, media: Media) -> StatusCode {
    match (stage, media) {
        (Stage::Malformed(code), _) => status_of(code),
        (Stage::WrongMethod(_), _) => status_of(Code::MethodNotAllowed),
        (Stage::NotExecuted, Media::GraphqlResponse) => StatusCode::BAD_REQUEST,
        (Stage::NotExecuted, Media::Json) | (Stage::Executed, _) => StatusCode::OK,
    }
}

/// A GraphQL answer. The errors are presented already.
pub(super) fn graphql(stage: Stage, media: Media, data: Value, errors: Vec<ServerError>) -> Response {
    let data = (stage == Stage::Executed).then_some(data);
    let body = to_json(&GraphqlBody { errors, data });
    let mut response = graphql_response(status(stage, media), media, body);
    if let Stage::WrongMethod(allowed) = stage {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    }
    response
}

/// The same for `data` that is JSON already, where nothing went wrong.
pub(super) fn data(media: Media, data: &[u8]) -> Response {
    let body = [br#"{"data":"#, data, b"}"].concat();
    graphql_response(status(Stage::Executed, media), media, body)
}

fn graphql_response(status: StatusCode, media: Media, body: Vec<u8>) -> Response {
    let mut response = response(status, media.as_str(), body);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language, Authorization"));
    response
}

/// A REST answer that is nothing but an error.
pub(super) fn problem(error: &ApiError, brought: &Brought) -> Response {
    log(error, &brought.id);
    let mut body = json!({
        "code": error.code.as_str(),
        "action": error.code.action().as_str(),
        "message": error.message(brought.caller.language()),
        "requestId": &*brought.id,
    });
    if let Some(reason) = error.reason {
        body["reason"] = reason.into();
    }
    if let Some(seconds) = error.retry_after_seconds() {
        body["retryAfter"] = seconds.into();
    }
    let mut response = json_response(status_of(error.code), &json!({ "error": body }));
    retry_after(&mut response, error);
    response
}

/// Tells intermediaries too how long to wait.
pub(super) fn retry_after(response: &mut Response, error: &ApiError) {
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// A JSON answer.
pub(super) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    response(status, Media::Json.as_str(), to_json(body))
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

fn response(status: StatusCode, media: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().reserve(HEADERS);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// The answer where a handler panicked, REST's or GraphQL's. The panic itself is in the log already.
pub(super) fn panicked(rest: bool, brought: &Brought) -> Response {
    let error = ApiError::new(Code::InternalServerError);
    if rest {
        return problem(&error, brought);
    }
    let mut errors = vec![whole(error.clone())];
    present(&mut errors, false, brought.caller.language(), &brought.id);
    let mut response = graphql(Stage::Malformed(error.code), Media::Json, Value::Null, errors);
    retry_after(&mut response, &error);
    response
}

/// The one line of the log for an error a client was told of. Faults of ours are loud and have their cause; the rest is
/// the clients' business.
pub(super) fn log(error: &ApiError, request_id: &str) {
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
