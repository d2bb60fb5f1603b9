//! The messages of `graphql-transport-ws`. Each frame is parsed once; values that are only forwarded stay raw JSON,
//! which preserves the order of their fields.

use axum::extract::ws::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};

use super::{super::CloseReason, Outbound};

/// A message of the library.
#[derive(Deserialize)]
pub(super) struct LibraryMessage<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) id: Option<&'a str>,
    #[serde(borrow)]
    pub(super) payload: Option<ExecutionResult<'a>>,
}

/// A message to the client about one of its operations.
#[derive(Serialize)]
pub(super) struct ClientMessage<'a, P> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<P>,
}

/// The payload of `next`.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(super) struct ExecutionResult<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    extensions: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    errors: Option<&'a RawValue>,
}

impl<'a> LibraryMessage<'a> {
    /// The errors of a result without data.
    pub(super) fn fatal(&self) -> Option<&'a RawValue> {
        self.payload.and_then(|result| result.errors.filter(|_| result.data.is_none()))
    }
}

/// The `subscribe` for the library, with our number as its id. Relay's `documentId` becomes Apollo's hash, which the
/// library knows.
pub(super) fn subscribe(mut message: Map<String, Value>, number: u64) -> Result<Outbound, CloseReason> {
    let Some(Value::Object(payload)) = message.get_mut("payload") else { return Err(CloseReason::INVALID_MESSAGE) };
    if let Some(id) = payload.remove("documentId").filter(|_| !payload.contains_key("query")) {
        payload.insert("extensions".to_owned(), json!({ "persistedQuery": { "sha256Hash": id } }));
    }
    message.insert("id".to_owned(), number.to_string().into());
    Ok(Outbound::to_library(text_message(&Value::Object(message))))
}

/// The last message of an operation. After an error, the library gets a message that ends the operation.
pub(super) fn last(number: u64, id: &str, errors: Option<&RawValue>) -> Outbound {
    match errors {
        Some(_) => Outbound { to_client: Some(error(id, &errors)), to_library: Some(complete_number(number)) },
        None => Outbound::to_client(text_message(&json!({ "type": "complete", "id": id }))),
    }
}

/// The `complete` that ends an operation of the library.
pub(super) fn complete_number(number: u64) -> Message {
    text_message(&json!({ "type": "complete", "id": number.to_string() }))
}

/// The `error` that ends a failed operation.
pub(super) fn error(id: &str, errors: &impl Serialize) -> Message {
    text_message(&ClientMessage { kind: "error", id, payload: Some(errors) })
}

/// A message as a text frame.
pub(super) fn text_message(value: &impl Serialize) -> Message {
    Message::Text(serde_json::to_string(value).unwrap_or_default().into())
}
