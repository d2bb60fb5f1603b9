//! Applies the rules of `graphql-transport-ws` that the library violates. The violations are listed here;
//! `tests/library_faults.rs` asserts each of them, so that an update of the library shows which rules can be removed:
//!
//! - it runs operations that came before the acknowledgement, or closes with a code that is not the protocol's (4401);
//! - it lets a second operation replace the first under the same id, instead of closing with 4409;
//! - it runs any number of concurrent operations;
//! - it never sends `error`: an operation that fails gets `next` and `complete`;
//! - it reads nothing, not even a ping, while it waits for the outcome of `connection_init`;
//! - it closes with 1002 if `connection_init` is refused (4403) and if a message is invalid (4400);
//! - it accepts messages of the older protocol, such as `start`.
//!
//! The library gets our own numbers as ids. A client may reuse an id as soon as its operation ended, and late messages
//! of that operation must not be sent for the next.

mod messages;
#[cfg(test)]
mod tests;

use async_graphql::ServerError;
use axum::extract::ws::Message;
use serde_json::{Value, json};

use super::{super::parameters::BYTE_ORDER_MARK, CloseReason};
use messages::{ClientMessage, LibraryMessage, complete_number, error, last, subscribe, text_message};

/// The limit of concurrent operations of one connection.
pub(super) const MAX_OPERATIONS: usize = 10;

/// The longest id of an operation, in bytes.
const MAX_ID: usize = 128;

/// The protocol state of a connection.
#[derive(Debug, Default)]
pub(super) struct ProtocolState {
    initialised: bool,
    acknowledged: bool,
    /// The running operations: our number and the client's id.
    operations: Vec<(u64, String)>,
    last_number: u64,
}

/// The messages to send.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outbound {
    /// To the client.
    pub(super) to_client: Option<Message>,
    /// To the library.
    pub(super) to_library: Option<Message>,
}

impl ProtocolState {
    /// Whether no operation runs.
    pub(super) fn is_idle(&self) -> bool {
        self.operations.is_empty()
    }

    /// Handles a message of the client. `too_many` returns the errors for an operation beyond the limit.
    ///
    /// # Errors
    /// When the connection must be closed.
    pub(super) fn client(
        &mut self,
        text: &str,
        too_many: impl Fn() -> Vec<ServerError>,
    ) -> Result<Outbound, CloseReason> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let Ok(Value::Object(message)) = serde_json::from_str(text) else { return Err(CloseReason::INVALID_MESSAGE) };
        let id = message.get("id").and_then(Value::as_str).filter(|id| id.len() <= MAX_ID).map(str::to_owned);
        match (message.get("type").and_then(Value::as_str), id) {
            (Some("connection_init"), _) if self.initialised => return Err(CloseReason::TOO_MANY_INITS),
            (Some("connection_init"), _) => self.initialised = true,
            // the library reads no messages before it acknowledges
            (Some("ping"), _) if !self.acknowledged => {
                return Ok(Outbound::to_client(text_message(&json!({ "type": "pong" }))));
            }
            (Some("ping"), _) => return Ok(Outbound::to_library(text_message(&json!({ "type": "ping" })))),
            (Some("pong"), _) => return Ok(Outbound::default()),
            (Some("complete"), Some(id)) => {
                let number = self.end(|(_, running)| *running == id).map(|(number, _)| number);
                return Ok(Outbound { to_library: number.map(complete_number), to_client: None });
            }
            (Some("subscribe"), Some(id)) => {
                return match self.begin(&id)? {
                    Some(number) => subscribe(message, number),
                    None => Ok(Outbound::to_client(error(&id, &too_many()))),
                };
            }
            _ => return Err(CloseReason::INVALID_MESSAGE),
        }
        Ok(Outbound::to_library(Message::Text(text.into())))
    }

    /// Begins an operation and returns its number; `None` beyond the limit.
    fn begin(&mut self, id: &str) -> Result<Option<u64>, CloseReason> {
        if !self.acknowledged {
            return Err(CloseReason::NOT_ACKNOWLEDGED);
        }
        if self.operations.iter().any(|(_, running)| running == id) {
            return Err(CloseReason::ID_IN_USE);
        }
        if self.operations.len() >= MAX_OPERATIONS {
            return Ok(None);
        }
        self.last_number += 1;
        self.operations.push((self.last_number, id.to_owned()));
        Ok(Some(self.last_number))
    }

    fn end(&mut self, matches: impl Fn(&(u64, String)) -> bool) -> Option<(u64, String)> {
        let index = self.operations.iter().position(matches)?;
        Some(self.operations.swap_remove(index))
    }

    /// Handles a message of the library.
    ///
    /// # Errors
    /// When the library closes the connection, because it could not read a message of the client.
    pub(super) fn library(&mut self, message: Message) -> Result<Outbound, CloseReason> {
        let Message::Text(text) = &message else { return Err(CloseReason::INVALID_MESSAGE) };
        let Ok(sent) = serde_json::from_str::<LibraryMessage<'_>>(text) else { return Ok(Outbound::default()) };
        self.acknowledged |= sent.kind == "connection_ack";
        let Some(number) = sent.id.and_then(|id| id.parse::<u64>().ok()) else {
            return Ok(Outbound::to_client(message));
        };
        let errors = sent.fatal();
        if sent.kind == "complete" || errors.is_some() {
            let ended = self.end(|(running, _)| *running == number);
            return Ok(ended.map(|(number, id)| last(number, &id, errors)).unwrap_or_default());
        }
        // messages of an ended operation are not forwarded
        let operation = self.operations.iter().find(|(running, _)| *running == number);
        let forwarded = operation.map(|(_, id)| ClientMessage { kind: sent.kind, id, payload: sent.payload });
        Ok(forwarded.as_ref().map(|forwarded| Outbound::to_client(text_message(forwarded))).unwrap_or_default())
    }
}

impl Outbound {
    fn to_client(message: Message) -> Self {
        Self { to_client: Some(message), to_library: None }
    }

    fn to_library(message: Message) -> Self {
        Self { to_client: None, to_library: Some(message) }
    }
}
