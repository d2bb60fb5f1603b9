//! A client that listens over a WebSocket, by `graphql-transport-ws`, to a server on a real port.

use std::{convert::Infallible, net::Ipv4Addr, time::Duration};

use axum::{Router, http::HeaderValue};
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};
use tower::service_fn;

use super::{TestApp, app::AbortOnDrop};

/// What every subscriber asks for.
pub(crate) const EVENTS: &str = "subscription { accountEvents { __typename
    ... on SessionEndedEvent { sessionId reason isCurrent }
    ... on ProfileChangedEvent { user { id nickname locale sessions { totalCount } } } } }";

/// Longer than anything is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a port of its own, until dropped.
pub(crate) struct Listening {
    /// Its address, without a scheme.
    pub(crate) address: String,
    _serving: AbortOnDrop,
}

impl TestApp {
    /// Serves on a port of this machine.
    pub(crate) async fn listen(&self) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let service = self.service.clone();
        let answer =
            move |request| service.clone().handle(Ipv4Addr::LOCALHOST.into(), request).map(Ok::<_, Infallible>);
        let router = Router::new().fallback_service(service_fn(answer));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Listening { address, _serving: AbortOnDrop(serving) }
    }
}

/// The client.
pub(crate) struct Subscriber(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Subscriber {
    /// Opens a connection and says nothing yet.
    pub(crate) async fn open(address: &str) -> Self {
        Self::open_with(address, &[]).await.unwrap()
    }

    /// The same with more headers. The protocol's own stands before them.
    pub(crate) async fn open_with(address: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    /// Opens a connection and listens to what happens to the account of a token.
    pub(crate) async fn listen(address: &str, token: &str) -> Self {
        let mut subscriber = Self::introduced(address, token).await;
        subscriber.subscribe("1", EVENTS).await;
        // what is said now was read after the subscription; its own first look at the database is still on the way
        subscriber.say(json!({ "type": "ping" })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "pong" }));
        tokio::time::sleep(Duration::from_millis(300)).await;
        subscriber
    }

    /// Opens a connection that is acknowledged.
    pub(crate) async fn introduced(address: &str, token: &str) -> Self {
        let mut subscriber = Self::open(address).await;
        subscriber.introduce(json!({ "authorization": format!("Bearer {token}") })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "connection_ack" }));
        subscriber
    }

    /// The first message.
    pub(crate) async fn introduce(&mut self, payload: Value) {
        self.say(json!({ "type": "connection_init", "payload": payload })).await;
    }

    /// Begins an operation.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    /// Sends a message.
    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::Text(message.to_string().into())).await;
    }

    /// Sends a frame, which may be too late.
    pub(crate) async fn send(&mut self, message: Message) {
        self.0.send(message).await.ok();
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a message: {other:?}"),
        }
    }

    /// The event that comes next.
    pub(crate) async fn event(&mut self) -> Value {
        let next = self.next().await;
        assert_eq!(next["type"], "next", "{next}");
        assert!(next["payload"].get("errors").is_none(), "{next}");
        next["payload"]["data"]["accountEvents"].clone()
    }

    /// Whether nothing is heard for a while.
    pub(crate) async fn hears_nothing_for(&mut self, time: Duration) -> bool {
        timeout(time, self.frame()).await.is_err()
    }

    /// The code the connection is closed with, and why; whatever is said before that is not heard.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.frame().await {
                let frame = frame.expect("a code");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    async fn frame(&mut self) -> Message {
        loop {
            let frame = timeout(PATIENCE, self.0.next()).await.expect("nothing is heard");
            match frame.expect("the connection was cut off").expect("the connection broke") {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }
}
