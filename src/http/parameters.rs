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

use super::{App, BODY, request::Brought};
use crate::{
    error::{ApiError, Code},
    graphql::{Parameters, Query},
};

/// Reads a request.
///
/// # Errors
/// `METHOD_NOT_ALLOWED`, `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `TIMEOUT`, `OVERLOADED`, `BAD_REQUEST`.
pub(super) async fn read(app: &App, brought: &Brought, parts: &Parts, body: Body) -> Result<Parameters, ApiError> {
    match parts.method {
        Method::GET => from_query(parts.uri.query().unwrap_or_default()),
        Method::POST => from_object(read_json(app, brought, &parts.headers, body).await?),
        _ => Err(Code::MethodNotAllowed.into()),
    }
}

/// Reads a body that must be a JSON object. Compressed ones are not read: a few bytes of those can be any number.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `TIMEOUT`, `OVERLOADED`, `BAD_REQUEST`.
pub(super) async fn read_json(
    app: &App,
    brought: &Brought,
    headers: &HeaderMap,
    body: Body,
) -> Result<Map<String, Value>, ApiError> {
    if !is_json(headers) {
        return Err(Code::UnsupportedMediaType.into());
    }
    if is_encoded(headers) {
        return Err(ApiError::new(Code::UnsupportedMediaType).detail("Do not compress it."));
    }
    let bytes = bytes(app, brought, body).await?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Array(_)) => Err(bad("Send one request at a time, not a list.")),
        Ok(_) => Err(bad("The body must be a JSON object.")),
        Err(_) => Err(bad("The body is not JSON.")),
    }
}

/// The whole body, which may take a client only so long.
async fn bytes(app: &App, brought: &Brought, body: Body) -> Result<Bytes, ApiError> {
    let mut reading = pin!(to_bytes(body, BODY));
    // most come with their heads, and keep nobody waiting
    if let Some(read) = poll_immediate(&mut reading).await {
        return read.map_err(unread);
    }
    let _place = app.0.reading.place(brought.caller.client().address)?;
    let read = timeout(app.0.client_timeout, reading).await;
    read.map_err(|_| ApiError::new(Code::Timeout))?.map_err(unread)
}

/// A body that could not be read was too long, or broke off.
fn unread(error: axum::Error) -> ApiError {
    let too_long = error.into_inner().downcast::<http_body_util::LengthLimitError>().is_ok();
    if too_long { Code::PayloadTooLarge.into() } else { bad("The body broke off.") }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    is_json && charset.is_none_or(|charset| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn from_query(query: &str) -> Result<Parameters, ApiError> {
    let mut object = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "query" | "operationName" | "documentId" => Value::String(value.into_owned()),
            "variables" | "extensions" if value.is_empty() => Value::Null,
            "variables" | "extensions" => {
                serde_json::from_str(&value).map_err(|_| bad("`variables` and `extensions` must be JSON."))?
            }
            _ => continue,
        };
        object.insert(name.into_owned(), value);
    }
    from_object(object)
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

/// The document: its text, or the id it is registered under, as Relay (`documentId`) and Apollo (`persistedQuery`) send
/// it.
fn query(object: &mut Map<String, Value>) -> Result<Query, ApiError> {
    let extensions = match object.remove("extensions") {
        None | Some(Value::Null) => None,
        Some(Value::Object(extensions)) => Some(extensions),
        Some(_) => return Err(bad("`extensions` must be an object.")),
    };
    if let Some(Value::String(text)) = object.remove("query") {
        return Ok(Query::Text(text));
    }
    let hash = extensions.as_ref().and_then(|it| it.get("persistedQuery")?.get("sha256Hash")?.as_str());
    let id = object.get("documentId").and_then(Value::as_str).or(hash);
    id.map(|id| Query::Id(id.to_owned())).ok_or_else(|| bad("`query` must be a string."))
}

fn bad(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadRequest).detail(detail)
}
