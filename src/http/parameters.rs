//! Reads the parameters of a GraphQL request, from the query string or the body (GraphQL over HTTP, "Request").

use std::pin::pin;

use async_graphql::Variables;
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Method, header, request::Parts},
};
use futures_util::future::poll_immediate;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{
    App, MAX_BODY,
    list::{parameter, parts},
    request::RequestContext,
};
use crate::{
    error::{ApiError, Code},
    graphql::{Parameters, Query},
};

/// The byte order mark, which some clients send before the JSON.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Reads the parameters.
///
/// # Errors
/// `METHOD_NOT_ALLOWED`, `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `TIMEOUT`, `OVERLOADED`, `BAD_REQUEST`.
pub(super) async fn read(
    app: &App,
    context: &RequestContext,
    parts: &Parts,
    body: Body,
) -> Result<Parameters, ApiError> {
    match parts.method {
        Method::GET => from_query(parts.uri.query().unwrap_or_default()),
        Method::POST => from_object(read_json(app, context, &parts.headers, body).await?),
        _ => Err(Code::MethodNotAllowed.into()),
    }
}

/// Reads a body that must be a JSON object. Compressed bodies are refused: a few bytes can expand to any length.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `TIMEOUT`, `OVERLOADED`, `BAD_REQUEST`.
pub(super) async fn read_json(
    app: &App,
    context: &RequestContext,
    headers: &HeaderMap,
    body: Body,
) -> Result<Map<String, Value>, ApiError> {
    check_media_type(headers)?;
    refuse_compressed(headers)?;
    let bytes = read_bytes(app, context, body).await?;
    match serde_json::from_slice(bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(&bytes)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Array(_)) => Err(bad("The body must be one request, not a list.")),
        Ok(_) => Err(bad("The body must be a JSON object.")),
        Err(_) => Err(bad("The body is not JSON.")),
    }
}

/// Reads the whole body, within the client's timeout.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE`, `TIMEOUT`, `OVERLOADED`, `BAD_REQUEST`.
pub(super) async fn read_bytes(app: &App, context: &RequestContext, body: Body) -> Result<Bytes, ApiError> {
    let mut reading = pin!(to_bytes(body, MAX_BODY));
    // most bodies arrive together with the head, and need no permit
    if let Some(bytes) = poll_immediate(&mut reading).await {
        return bytes.map_err(read_error);
    }
    let _permit = app.body_permit(context)?;
    let bytes = timeout(app.0.client_timeout, reading).await;
    bytes.map_err(|_| ApiError::new(Code::Timeout))?.map_err(read_error)
}

/// A body cannot be read if it is too long or the client disconnects.
fn read_error(error: axum::Error) -> ApiError {
    let too_long = error.into_inner().downcast::<http_body_util::LengthLimitError>().is_ok();
    if too_long { Code::PayloadTooLarge.into() } else { bad("The body is incomplete.") }
}

/// Checks `Content-Type`. A repeated header has several values, which a proxy may have joined: all must be JSON.
fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let values = headers.get_all(header::CONTENT_TYPE).iter().map(|value| value.to_str().unwrap_or_default());
    let mut kinds = values.flat_map(|value| parts(value, ',')).filter(|kind| !kind.is_empty());
    match (kinds.next().map(is_json), kinds.all(is_json)) {
        (Some(true), true) => Ok(()),
        (Some(true), false) => {
            let detail = "`Content-Type` has several different values.";
            Err(ApiError::new(Code::UnsupportedMediaType).detail(detail))
        }
        _ => Err(ApiError::new(Code::UnsupportedMediaType).detail("Send the body as application/json.")),
    }
}

fn is_json(kind: &str) -> bool {
    let mut parts = parts(kind, ';');
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf_8 = |charset: &str| charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8");
    is_json && parts.filter_map(|part| parameter(part, "charset")).all(is_utf_8)
}

/// Refuses a compressed body.
pub(super) fn refuse_compressed(headers: &HeaderMap) -> Result<(), ApiError> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("unknown"));
    let mut encodings = values.flat_map(|value| parts(value, ',')).filter(|encoding| !encoding.is_empty());
    if encodings.all(|encoding| encoding.eq_ignore_ascii_case("identity")) {
        return Ok(());
    }
    Err(ApiError::new(Code::UnsupportedMediaType).detail("Compressed bodies are not accepted."))
}

fn from_query(query: &str) -> Result<Parameters, ApiError> {
    let mut object = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "query" | "operationName" | "documentId" => Value::String(value.into_owned()),
            "variables" | "extensions" => json(value.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&value))?,
            _ => continue,
        };
        object.insert(name.into_owned(), value);
    }
    from_object(object)
}

fn json(text: &str) -> Result<Value, ApiError> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|_| bad("`variables` and `extensions` must be JSON."))
}

fn from_object(mut object: Map<String, Value>) -> Result<Parameters, ApiError> {
    let query = query(&mut object)?;
    let operation_name = match object.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(bad("`operationName` must be a string.")),
    };
    let variables = match object.remove("variables") {
        None | Some(Value::Null) => Variables::default(),
        Some(variables @ Value::Object(_)) => Variables::from_json(variables),
        Some(_) => return Err(bad("`variables` must be an object.")),
    };
    Ok(Parameters { query, operation_name, variables })
}

/// The document: its text, or its id in the form of Relay (`documentId`) or Apollo (`persistedQuery`).
fn query(object: &mut Map<String, Value>) -> Result<Query, ApiError> {
    let extensions = match object.remove("extensions") {
        None | Some(Value::Null) => None,
        Some(Value::Object(extensions)) => Some(extensions),
        Some(_) => return Err(bad("`extensions` must be an object.")),
    };
    let hash = extensions.as_ref().and_then(|extensions| persisted_hash(extensions.get("persistedQuery")?));
    let id = object.get("documentId").and_then(Value::as_str).or(hash).map(str::to_owned);
    let text = object.remove("query").and_then(|query| if let Value::String(text) = query { Some(text) } else { None });
    query_of(text, id)
}

/// The id in `extensions.persistedQuery`.
pub(super) fn persisted_hash(persisted_query: &Value) -> Option<&str> {
    persisted_query.get("sha256Hash")?.as_str()
}

/// The document by its text or its id. An empty text is ignored if there is an id.
///
/// # Errors
/// `BAD_REQUEST` if there is neither.
pub(super) fn query_of(text: Option<String>, id: Option<String>) -> Result<Query, ApiError> {
    match (text, id) {
        (Some(text), None) => Ok(Query::Text(text)),
        (Some(text), Some(_)) if !text.is_empty() => Ok(Query::Text(text)),
        (_, Some(id)) => Ok(Query::Id(id)),
        (None, None) => Err(bad("`query` must be a string.")),
    }
}

fn bad(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadRequest).detail(detail)
}
