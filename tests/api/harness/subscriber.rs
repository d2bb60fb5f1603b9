//! A subscription client: a WebSocket with the `graphql-transport-ws` protocol to a server on a real port.

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

/// The subscription of the tests.
pub(crate) const EVENTS: &str = "subscription { accountEvents { __typename
    ... on SessionEndedEvent { sessionId reason isCurrent }
    ... on ProfileChangedEvent { user { id nickname locale sessions { totalCount } } } } }";

/// The limit for the next frame, also on a busy machine.
const FRAME_TIMEOUT: Duration = Duration::from_secs(20);

/// A server on its own port, until it is dropped.
pub(crate) struct ListeningServer {
    /// Host and port.
    pub(crate) address: String,
    _serving: AbortOnDrop,
}

impl TestApp {
    /// Serves on a free port of the loopback.
    pub(crate) async fn listen(&self) -> ListeningServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let service = self.service.clone();
        let answer =
            move |request| service.clone().handle(Ipv4Addr::LOCALHOST.into(), request).map(Ok::<_, Infallible>);
        let router = Router::new().fallback_service(service_fn(answer));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        ListeningServer { address, _serving: AbortOnDrop(serving) }
    }
}

/// The connection of the client.
pub(crate) struct Subscriber(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Subscriber {
    /// Opens a connection without sending a message.
    pub(crate) async fn open(address: &str) -> Self {
        Self::open_with(address, &[]).await.unwrap()
    }

    /// The same with more headers, after that of the protocol.
    pub(crate) async fn open_with(address: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    /// Opens a connection and subscribes to the events of a token's account.
    pub(crate) async fn subscribed(address: &str, token: &str) -> Self {
        let mut subscriber = Self::initialised(address, token).await;
        subscriber.subscribe("1", EVENTS).await;
        // the pong shows that the subscription was read; its first read of the database may still be in progress
        subscriber.send(json!({ "type": "ping" })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "pong" }));
        tokio::time::sleep(Duration::from_millis(300)).await;
        subscriber
    }

    /// Opens a connection and waits for its acknowledgement.
    pub(crate) async fn initialised(address: &str, token: &str) -> Self {
        let mut subscriber = Self::open(address).await;
        subscriber.connection_init(json!({ "authorization": format!("Bearer {token}") })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "connection_ack" }));
        subscriber
    }

    /// Sends `connection_init`.
    pub(crate) async fn connection_init(&mut self, payload: Value) {
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
    }

    /// Sends `subscribe`.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: Value) {
        self.send_frame(Message::Text(message.to_string().into())).await;
    }

    /// Sends a frame. Fails silently if the server has closed the connection.
    pub(crate) async fn send_frame(&mut self, message: Message) {
        self.0.send(message).await.ok();
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a message: {other:?}"),
        }
    }

    /// The next event.
    pub(crate) async fn next_event(&mut self) -> Value {
        let next = self.next().await;
        assert_eq!(next["type"], "next", "{next}");
        assert!(next["payload"].get("errors").is_none(), "{next}");
        next["payload"]["data"]["accountEvents"].clone()
    }

    /// Whether no frame arrives within `time`.
    pub(crate) async fn receives_nothing_for(&mut self, time: Duration) -> bool {
        timeout(time, self.frame()).await.is_err()
    }

    /// The code and the reason of the close frame. Messages before it are skipped.
    pub(crate) async fn next_close(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.frame().await {
                let frame = frame.expect("a code");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    async fn frame(&mut self) -> Message {
        loop {
            let frame = timeout(FRAME_TIMEOUT, self.0.next()).await.expect("no frame arrived");
            match frame.expect("the connection was cut off").expect("the connection broke") {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }
}
