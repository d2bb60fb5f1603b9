//! The rules of `graphql-transport-ws` that the library does not keep: it runs what came before the acknowledgement or
//! under an id that is taken, runs as much at once as it is asked to, and never sends `error`.
//!
//! The library knows operations by numbers of ours. A client may use an id again as soon as its operation is over, and
//! what the library still says of that one is then not taken for the next.

use async_graphql::ServerError;
use axum::extract::ws::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};

use super::Ending;

/// Most operations of one connection at once.
pub(super) const OPERATIONS: usize = 10;

/// What was said so far on a connection.
#[derive(Debug, Default)]
pub(super) struct Talk {
    introduced: bool,
    acknowledged: bool,
    /// The operations under way: our number, and the client's id.
    operations: Vec<(u64, String)>,
    begun: u64,
}

/// What goes where.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Post {
    /// To the client.
    pub(super) client: Option<Message>,
    /// To the library.
    pub(super) library: Option<Message>,
}

impl Talk {
    /// Whether no operation is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.operations.is_empty()
    }

    /// Judges what the client says. `too_many` are the errors for one who wants more at once than there may be.
    ///
    /// # Errors
    /// When it was the last thing the client says here.
    pub(super) fn client(&mut self, text: &str, too_many: impl Fn() -> Vec<ServerError>) -> Result<Post, Ending> {
        let Ok(Value::Object(message)) = serde_json::from_str(text) else { return Err(Ending::MALFORMED) };
        let id = message.get("id").and_then(Value::as_str).map(str::to_owned);
        match (message.get("type").and_then(Value::as_str), id) {
            (Some("connection_init"), _) if self.introduced => return Err(Ending::INTRODUCED),
            (Some("connection_init"), _) => self.introduced = true,
            (Some("ping" | "pong"), _) => {}
            (Some("complete"), Some(id)) => {
                let number = self.end(|(_, taken)| *taken == id).map(|(number, _)| number);
                return Ok(Post { library: number.map(complete_number), client: None });
            }
            (Some("subscribe"), Some(id)) => {
                return match self.begin(&id)? {
                    Some(number) => subscribe(message, number),
                    None => Ok(Post::client(error(&id, &too_many()))),
                };
            }
            _ => return Err(Ending::MALFORMED),
        }
        Ok(Post::library(Message::Text(text.into())))
    }

    /// The number of an operation that begins under an id; `None` where there is no room for it.
    fn begin(&mut self, id: &str) -> Result<Option<u64>, Ending> {
        if !self.acknowledged {
            return Err(Ending::UNACKNOWLEDGED);
        }
        if self.operations.iter().any(|(_, taken)| taken == id) {
            return Err(Ending::TAKEN);
        }
        if self.operations.len() >= OPERATIONS {
            return Ok(None);
        }
        self.begun += 1;
        self.operations.push((self.begun, id.to_owned()));
        Ok(Some(self.begun))
    }

    fn end(&mut self, is_meant: impl Fn(&(u64, String)) -> bool) -> Option<(u64, String)> {
        let place = self.operations.iter().position(is_meant)?;
        Some(self.operations.swap_remove(place))
    }

    /// Judges what the library says.
    ///
    /// # Errors
    /// When it was the last thing it says: it could not read what the client said.
    pub(super) fn library(&mut self, message: Message) -> Result<Post, Ending> {
        let Message::Text(text) = &message else { return Err(Ending::MALFORMED) };
        let Ok(said) = serde_json::from_str::<Said<'_>>(text) else { return Ok(Post::default()) };
        self.acknowledged |= said.kind == "connection_ack";
        let Some(number) = said.id.and_then(|id| id.parse::<u64>().ok()) else { return Ok(Post::client(message)) };
        let (errors, payload) = (said.fatal(), said.payload);
        if said.kind == "complete" || errors.is_some() {
            let ended = self.end(|(begun, _)| *begun == number);
            return Ok(ended.map(|(number, id)| last(number, &id, errors)).unwrap_or_default());
        }
        // of an operation that is over nothing more is told
        let under_way = self.operations.iter().find(|(begun, _)| *begun == number);
        let told = under_way.map(|(_, id)| Told { kind: said.kind, id, payload });
        Ok(told.as_ref().map(|told| Post::client(text_message(told))).unwrap_or_default())
    }
}

/// What the library says. Answers are not taken apart: their fields have an order.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: Option<&'a str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// What the client hears of it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

/// An answer, as far as it is taken apart.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Said<'a> {
    /// The errors that leave nothing of an answer.
    fn fatal(&self) -> Option<&'a RawValue> {
        let answer: Answer<'a> = serde_json::from_str(self.payload?.get()).ok()?;
        answer.errors.filter(|_| answer.data.is_none())
    }
}

impl Post {
    fn client(message: Message) -> Self {
        Self { client: Some(message), library: None }
    }

    fn library(message: Message) -> Self {
        Self { client: None, library: Some(message) }
    }
}

/// Relay's `documentId` is the same to us as Apollo's hash, and the library knows the latter.
fn subscribe(mut message: Map<String, Value>, number: u64) -> Result<Post, Ending> {
    let Some(Value::Object(payload)) = message.get_mut("payload") else { return Err(Ending::MALFORMED) };
    if let Some(id) = payload.remove("documentId").filter(|_| !payload.contains_key("query")) {
        payload.insert("extensions".to_owned(), json!({ "persistedQuery": { "sha256Hash": id } }));
    }
    message.insert("id".to_owned(), number.to_string().into());
    Ok(Post::library(text_message(&Value::Object(message))))
}

/// The last that is told of an operation. The library need not go on with one whose last are errors.
fn last(number: u64, id: &str, errors: Option<&RawValue>) -> Post {
    match errors {
        Some(_) => Post { client: Some(error(id, &errors)), library: Some(complete_number(number)) },
        None => Post::client(text_message(&json!({ "type": "complete", "id": id }))),
    }
}

fn complete_number(number: u64) -> Message {
    text_message(&json!({ "type": "complete", "id": number.to_string() }))
}

fn error(id: &str, errors: &impl Serialize) -> Message {
    text_message(&Failed { kind: "error", id, payload: errors })
}

/// The end of an operation that failed.
#[derive(Serialize)]
struct Failed<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: &'a str,
    payload: &'a T,
}

fn text_message(value: &impl Serialize) -> Message {
    Message::Text(serde_json::to_string(value).unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_many() -> Vec<ServerError> {
        vec![ServerError::new("too many", None)]
    }

    fn client(talk: &mut Talk, message: &Value) -> Result<Post, Ending> {
        talk.client(&message.to_string(), too_many)
    }

    fn library(talk: &mut Talk, message: &Value) -> Post {
        talk.library(text_message(message)).unwrap()
    }

    /// What goes to one of both.
    fn read(message: Option<Message>) -> Value {
        let Some(Message::Text(text)) = message else { panic!("nothing is said") };
        serde_json::from_str(&text).unwrap()
    }

    fn acknowledged() -> Talk {
        let mut talk = Talk::default();
        assert!(client(&mut talk, &json!({ "type": "connection_init" })).unwrap().library.is_some());
        assert!(library(&mut talk, &json!({ "type": "connection_ack" })).client.is_some());
        talk
    }

    fn subscribe(id: &str) -> Value {
        json!({ "type": "subscribe", "id": id, "payload": { "query": "subscription { accountEvents { __typename } }" } })
    }

    /// Whether an operation begins under an id.
    fn begins(talk: &mut Talk, id: &str) -> bool {
        client(talk, &subscribe(id)).unwrap().library.is_some()
    }

    #[test]
    fn nothing_is_run_before_the_acknowledgement() {
        let mut talk = Talk::default();
        assert_eq!(client(&mut talk, &subscribe("1")), Err(Ending::UNACKNOWLEDGED));
        client(&mut talk, &json!({ "type": "connection_init" })).unwrap();
        assert_eq!(client(&mut talk, &subscribe("1")), Err(Ending::UNACKNOWLEDGED));
        assert_eq!(client(&mut talk, &json!({ "type": "connection_init" })), Err(Ending::INTRODUCED));
    }

    #[test]
    fn what_makes_no_sense_is_the_end() {
        for text in [
            "",
            "x",
            "[]",
            "1",
            "{}",
            r#"{"type":"next","id":"1"}"#,
            r#"{"type":"start","id":"1","payload":{}}"#,
            r#"{"type":"connection_terminate"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":[]}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert_eq!(acknowledged().client(text, too_many), Err(Ending::MALFORMED), "{text}");
        }
        let unread = Message::Close(None);
        assert_eq!(acknowledged().library(unread), Err(Ending::MALFORMED));
    }

    #[test]
    fn an_id_is_free_again_once_its_operation_is_over() {
        let mut talk = acknowledged();
        let [complete, first, second] = ["a", "1", "2"].map(|id| json!({ "type": "complete", "id": id }));
        assert!(begins(&mut talk, "a"));
        assert_eq!(client(&mut talk, &subscribe("a")), Err(Ending::TAKEN));
        assert_eq!(read(client(&mut talk, &complete).unwrap().library), first);
        assert_eq!(client(&mut talk, &complete).unwrap(), Post::default());
        assert!(begins(&mut talk, "a"));
        // what is still said of the first is not taken for the second
        let event = |id: &str| json!({ "type": "next", "id": id, "payload": { "data": { "a": 1 } } });
        assert_eq!([library(&mut talk, &event("1")), library(&mut talk, &first)], [Post::default(), Post::default()]);
        assert_eq!(read(library(&mut talk, &event("2")).client), event("a"));
        assert!(!talk.is_idle());
        assert_eq!(read(library(&mut talk, &second).client), complete);
        assert!(talk.is_idle());
    }

    #[test]
    fn operations_beyond_the_bound_are_refused_and_the_others_go_on() {
        let mut talk = acknowledged();
        assert!((0..OPERATIONS).all(|n| begins(&mut talk, &n.to_string())));
        let refused = client(&mut talk, &subscribe("x")).unwrap();
        assert!(refused.library.is_none());
        let refusal = read(refused.client);
        assert_eq!((&refusal["type"], &refusal["id"]), (&json!("error"), &json!("x")));
        client(&mut talk, &json!({ "type": "complete", "id": "0" })).unwrap();
        assert!(begins(&mut talk, "x"));
    }

    #[test]
    fn errors_without_an_answer_are_the_end_of_their_operation() {
        let mut talk = acknowledged();
        assert!(begins(&mut talk, "a"));
        let half = json!({ "type": "next", "id": "1", "payload": { "data": { "a": null }, "errors": [{}] } });
        assert_eq!(read(library(&mut talk, &half).client)["payload"], half["payload"]);
        let none = json!({ "type": "next", "id": "1", "payload": { "data": null, "errors": [{ "message": "m" }] } });
        let post = library(&mut talk, &none);
        assert_eq!(read(post.client), json!({ "type": "error", "id": "a", "payload": [{ "message": "m" }] }));
        assert_eq!(read(post.library), json!({ "type": "complete", "id": "1" }));
        assert_eq!(library(&mut talk, &none), Post::default());
    }

    #[test]
    fn a_registered_document_may_be_named_in_either_way() {
        let by_id = json!({ "type": "subscribe", "id": "1", "payload": { "documentId": "abc" } });
        let passed = read(client(&mut acknowledged(), &by_id).unwrap().library);
        assert_eq!(passed["payload"]["extensions"]["persistedQuery"]["sha256Hash"], "abc");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged_without_harm(text in "\\PC{0,100}", kind in "[a-z_]{1,16}", id in "\\PC{0,8}") {
            let _ = acknowledged().client(&text, too_many);
            let _ = client(&mut acknowledged(), &json!({ "type": kind, "id": id, "payload": text }));
        }
    }
}
