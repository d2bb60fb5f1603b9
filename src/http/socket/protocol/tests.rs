//! Tests of the protocol state, message by message.

use async_graphql::ServerError;
use axum::extract::ws::Message;
use serde_json::{Value, json};

use super::{super::CloseReason, MAX_ID, MAX_OPERATIONS, Outbound, ProtocolState, messages::text_message};

fn too_many() -> Vec<ServerError> {
    vec![ServerError::new("too many", None)]
}

fn client(state: &mut ProtocolState, message: &Value) -> Result<Outbound, CloseReason> {
    state.client(&message.to_string(), too_many)
}

fn library(state: &mut ProtocolState, message: &Value) -> Outbound {
    state.library(text_message(message)).unwrap()
}

/// The JSON of an outbound message.
fn read(message: Option<Message>) -> Value {
    let Some(Message::Text(text)) = message else { panic!("there is no message") };
    serde_json::from_str(&text).unwrap()
}

fn acknowledged() -> ProtocolState {
    let mut state = ProtocolState::default();
    assert!(client(&mut state, &json!({ "type": "connection_init" })).unwrap().to_library.is_some());
    assert!(library(&mut state, &json!({ "type": "connection_ack" })).to_client.is_some());
    state
}

fn subscribe(id: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": "subscription { accountEvents { __typename } }" } })
}

/// Whether an operation with this id begins.
fn begins(state: &mut ProtocolState, id: &str) -> bool {
    client(state, &subscribe(id)).unwrap().to_library.is_some()
}

#[test]
fn subscribe_before_the_acknowledgement_closes_the_connection() {
    let mut state = ProtocolState::default();
    assert_eq!(client(&mut state, &subscribe("1")), Err(CloseReason::NOT_ACKNOWLEDGED));
    client(&mut state, &json!({ "type": "connection_init" })).unwrap();
    assert_eq!(client(&mut state, &subscribe("1")), Err(CloseReason::NOT_ACKNOWLEDGED));
    assert_eq!(client(&mut state, &json!({ "type": "connection_init" })), Err(CloseReason::TOO_MANY_INITS));
}

#[test]
fn invalid_message_closes_the_connection() {
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
        &subscribe(&"x".repeat(MAX_ID + 1)).to_string(),
    ] {
        assert_eq!(acknowledged().client(text, too_many), Err(CloseReason::INVALID_MESSAGE), "{text}");
    }
    let unread = Message::Close(None);
    assert_eq!(acknowledged().library(unread), Err(CloseReason::INVALID_MESSAGE));
}

#[test]
fn longest_allowed_id_is_accepted() {
    assert!(begins(&mut acknowledged(), &"x".repeat(MAX_ID)));
}

#[test]
fn ping_before_the_acknowledgement_is_answered_without_the_library() {
    let message = |kind: &str| json!({ "type": kind, "payload": "x".repeat(1000) });
    let mut state = ProtocolState::default();
    let outbound = client(&mut state, &message("ping")).unwrap();
    assert_eq!((read(outbound.to_client), outbound.to_library), (json!({ "type": "pong" }), None));
    assert_eq!(client(&mut state, &message("pong")).unwrap(), Outbound::default());
    let passed = client(&mut acknowledged(), &message("ping")).unwrap();
    assert_eq!((read(passed.to_library), passed.to_client), (json!({ "type": "ping" }), None));
}

#[test]
fn byte_order_mark_is_ignored() {
    let mut state = ProtocolState::default();
    let outbound = state.client("\u{feff}{\"type\":\"connection_init\"}", too_many).unwrap();
    assert_eq!(read(outbound.to_library), json!({ "type": "connection_init" }));
}

#[test]
fn id_can_be_reused_once_its_operation_ended() {
    let mut state = acknowledged();
    let [complete, first, second] = ["a", "1", "2"].map(|id| json!({ "type": "complete", "id": id }));
    assert!(begins(&mut state, "a"));
    assert_eq!(client(&mut state, &subscribe("a")), Err(CloseReason::ID_IN_USE));
    assert_eq!(read(client(&mut state, &complete).unwrap().to_library), first);
    assert_eq!(client(&mut state, &complete).unwrap(), Outbound::default());
    assert!(begins(&mut state, "a"));
    // late messages of the first operation are not sent for the second
    let event = |id: &str| json!({ "type": "next", "id": id, "payload": { "data": { "a": 1 } } });
    assert_eq!(
        [library(&mut state, &event("1")), library(&mut state, &first)],
        [Outbound::default(), Outbound::default()]
    );
    assert_eq!(read(library(&mut state, &event("2")).to_client), event("a"));
    assert!(!state.is_idle());
    assert_eq!(read(library(&mut state, &second).to_client), complete);
    assert!(state.is_idle());
}

#[test]
fn operation_beyond_the_limit_is_refused_and_the_others_continue() {
    let mut state = acknowledged();
    assert!((0..MAX_OPERATIONS).all(|n| begins(&mut state, &n.to_string())));
    let refused = client(&mut state, &subscribe("x")).unwrap();
    assert!(refused.to_library.is_none());
    let refusal = read(refused.to_client);
    assert_eq!((&refusal["type"], &refusal["id"]), (&json!("error"), &json!("x")));
    client(&mut state, &json!({ "type": "complete", "id": "0" })).unwrap();
    assert!(begins(&mut state, "x"));
}

#[test]
fn result_without_data_is_sent_as_error() {
    let mut state = acknowledged();
    assert!(begins(&mut state, "a"));
    let half = json!({ "type": "next", "id": "1", "payload": { "data": { "a": null }, "errors": [{}] } });
    assert_eq!(read(library(&mut state, &half).to_client)["payload"], half["payload"]);
    let none = json!({ "type": "next", "id": "1", "payload": { "data": null, "errors": [{ "message": "m" }] } });
    let outbound = library(&mut state, &none);
    assert_eq!(read(outbound.to_client), json!({ "type": "error", "id": "a", "payload": [{ "message": "m" }] }));
    assert_eq!(read(outbound.to_library), json!({ "type": "complete", "id": "1" }));
    assert_eq!(library(&mut state, &none), Outbound::default());
}

#[test]
fn document_id_of_relay_is_passed_on_as_apollo_hash() {
    let by_id = json!({ "type": "subscribe", "id": "1", "payload": { "documentId": "abc" } });
    let passed = read(client(&mut acknowledged(), &by_id).unwrap().to_library);
    assert_eq!(passed["payload"]["extensions"]["persistedQuery"]["sha256Hash"], "abc");
}

proptest::proptest! {
    #[test]
    fn any_text_is_handled_without_panic(text in "\\PC{0,100}", kind in "[a-z_]{1,16}", id in "\\PC{0,8}") {
        let _ = acknowledged().client(&text, too_many);
        let _ = client(&mut acknowledged(), &json!({ "type": kind, "id": id, "payload": text }));
    }
}
