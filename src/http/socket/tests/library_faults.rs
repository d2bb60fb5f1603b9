//! Asserts the protocol violations of the library that `protocol.rs` corrects. If a test fails, the library was fixed, and
//! the rule in `protocol.rs` can be removed.

use std::{pin::pin, time::Duration};

use async_graphql::{
    Data, EmptyMutation, Object, Schema, Subscription,
    http::{WebSocket, WebSocketProtocols, WsMessage},
};
use futures_util::{
    Stream, StreamExt,
    future::{BoxFuture, FutureExt, pending},
    stream,
};
use serde_json::{Value, json};
use tokio::{task::yield_now, time::timeout};

/// Longer than the library takes to send its messages.
const QUIET: Duration = Duration::from_millis(200);

struct Query;

#[Object]
impl Query {
    async fn one(&self) -> i32 {
        1
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn never(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    async fn refused(&self) -> async_graphql::Result<stream::Empty<i32>> {
        // the library requires an async function
        yield_now().await;
        Err("refused".into())
    }
}

/// The callback of `connection_init`.
type Init = BoxFuture<'static, async_graphql::Result<Data>>;

fn accepted() -> Init {
    async {
        yield_now().await;
        Ok(Data::default())
    }
    .boxed()
}

/// The types of the messages that the library sends in response to some messages, and its close code.
async fn sent(init: Init, messages: Vec<Value>) -> Vec<String> {
    let incoming = stream::iter(messages).map(|message| message.to_string()).chain(stream::pending());
    let schema = Schema::new(Query, EmptyMutation, Events);
    let socket = WebSocket::new(schema, incoming, WebSocketProtocols::GraphQLWS);
    let mut socket = pin!(socket.on_connection_init(move |_| init));
    let mut sent = Vec::new();
    while let Ok(Some(message)) = timeout(QUIET, socket.next()).await {
        sent.push(match message {
            WsMessage::Text(text) => serde_json::from_str::<Value>(&text).unwrap()["type"].as_str().unwrap().to_owned(),
            WsMessage::Close(code, _) => code.to_string(),
        });
    }
    sent
}

fn init() -> Value {
    json!({ "type": "connection_init" })
}

fn operation(kind: &str, id: &str, field: &str) -> Value {
    json!({ "type": kind, "id": id, "payload": { "query": format!("subscription {{ {field} }}") } })
}

#[tokio::test]
async fn library_closes_with_a_foreign_code_before_connection_init() {
    assert_eq!(sent(accepted(), vec![operation("subscribe", "1", "never")]).await, ["1011"]);
}

#[tokio::test]
async fn library_runs_what_came_before_the_acknowledgement_and_never_sends_error() {
    let messages = vec![init(), operation("subscribe", "1", "refused")];
    assert_eq!(sent(accepted(), messages).await, ["connection_ack", "next", "complete"]);
}

#[tokio::test]
async fn library_replaces_an_operation_whose_id_comes_twice() {
    let twice = operation("subscribe", "1", "never");
    assert_eq!(sent(accepted(), vec![init(), twice.clone(), twice]).await, ["connection_ack"]);
}

#[tokio::test]
async fn library_runs_any_number_of_operations() {
    let many = (0..1000).map(|id| operation("subscribe", &id.to_string(), "never"));
    assert_eq!(sent(accepted(), [init()].into_iter().chain(many).collect()).await, ["connection_ack"]);
}

#[tokio::test]
async fn library_answers_no_ping_while_connection_init_is_under_way() {
    let nothing: [String; 0] = [];
    assert_eq!(sent(pending().boxed(), vec![init(), json!({ "type": "ping" })]).await, nothing);
}

#[tokio::test]
async fn library_closes_with_1002_for_a_refusal_and_for_an_invalid_message() {
    let refusal = async { Err("refused".into()) }.boxed();
    assert_eq!(sent(refusal, vec![init()]).await, ["1002"]);
    assert_eq!(sent(accepted(), vec![json!({ "type": "unknown" })]).await, ["1002"]);
}

#[tokio::test]
async fn library_takes_messages_of_the_older_protocol() {
    let messages = vec![init(), operation("start", "1", "refused"), json!({ "type": "connection_terminate" })];
    assert_eq!(sent(accepted(), messages).await, ["connection_ack"]);
}
