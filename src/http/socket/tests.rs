//! Tests of timeouts, with a socket made of channels and timeouts of milliseconds.

mod library_faults;

use std::{
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_graphql_axum::GraphQLProtocol;
use axum::{
    extract::{FromRequestParts, ws::Message},
    http::{Request, header},
};
use futures_util::{Sink, Stream};
use tempfile::TempDir;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use super::{PROTOCOL, Timeouts, run};
use crate::{
    account::Client,
    error::Language,
    http::{App, request::RequestContext, tests::app},
};

const SOON: Duration = Duration::from_millis(100);

const NEVER: Duration = Duration::from_hours(1);

/// The server's end of a socket.
struct ChannelSocket {
    incoming: mpsc::UnboundedReceiver<Message>,
    outgoing: mpsc::UnboundedSender<Message>,
}

impl Stream for ChannelSocket {
    type Item = Result<Message, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(context).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for ChannelSocket {
    type Error = mpsc::error::SendError<Message>;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        self.outgoing.send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }
}

/// The client's end.
struct TestClient {
    sender: mpsc::UnboundedSender<Message>,
    receiver: mpsc::UnboundedReceiver<Message>,
    connection: JoinHandle<()>,
    app: App,
    _folder: TempDir,
}

impl TestClient {
    async fn connect(timeouts: Timeouts) -> Self {
        let (app, folder) = app().await;
        let ((sender, incoming), (outgoing, receiver)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let (slot, _) = app.open_socket(&context()).unwrap();
        let socket = ChannelSocket { incoming, outgoing };
        let connection = run(socket, protocol().await, app.clone(), context(), slot, timeouts);
        Self { sender, receiver, connection: tokio::spawn(connection), app, _folder: folder }
    }

    async fn next(&mut self) -> Option<Message> {
        timeout(Duration::from_secs(10), self.receiver.recv()).await.expect("a message in time")
    }

    /// The code of the close frame.
    async fn code(&mut self) -> u16 {
        loop {
            match self.next().await {
                Some(Message::Close(Some(frame))) => return frame.code,
                Some(_) => {}
                None => panic!("the connection was cut off"),
            }
        }
    }
}

async fn protocol() -> GraphQLProtocol {
    let request = Request::get("/").header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL).body(()).unwrap();
    GraphQLProtocol::from_request_parts(&mut request.into_parts().0, &()).await.unwrap()
}

fn context() -> RequestContext {
    let client =
        Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), user_agent: None, hosted: crate::account::Hosted::Unknown };
    let caller = crate::graphql::Caller::new(client, Language::En, None);
    RequestContext { id: crate::random::unique_id(), trace: None, caller, has_two_tokens: false }
}

/// Timeouts that never expire, but for the closing handshake.
fn timeouts() -> Timeouts {
    let [connection_init, ping, idle, write] = [NEVER; 4];
    Timeouts { connection_init, check: SOON / 10, ping, idle, write, close: SOON }
}

#[tokio::test]
async fn connection_without_init_is_closed_after_its_timeout() {
    let mut client = TestClient::connect(Timeouts { connection_init: SOON, ..timeouts() }).await;
    assert_eq!(client.code().await, 4408);
    // the client does not respond to the close frame either
    timeout(SOON * 20, client.connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn oldest_uninitialised_connection_is_closed_for_newer_ones() {
    let mut client = TestClient::connect(timeouts()).await;
    let _others: Vec<_> = (0..1000).map(|_| client.app.open_socket(&context()).unwrap()).collect();
    assert_eq!(client.code().await, 1013);
    timeout(SOON * 20, client.connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn client_that_answers_pings_stays_and_a_silent_one_is_closed() {
    let mut client = TestClient::connect(Timeouts { ping: SOON, idle: SOON * 5, ..timeouts() }).await;
    for _ in 0..10 {
        assert!(matches!(client.next().await, Some(Message::Ping(_))));
        client.sender.send(Message::Pong(Vec::new().into())).unwrap();
    }
    assert_eq!(client.code().await, 3008);
}

#[tokio::test]
async fn shutdown_closes_every_connection_at_once() {
    let mut client = TestClient::connect(timeouts()).await;
    client.app.drain();
    assert_eq!(client.code().await, 1001);
}

#[tokio::test]
async fn lost_client_ends_the_connection_at_once() {
    let client = TestClient::connect(Timeouts { close: NEVER, ..timeouts() }).await;
    drop(client.sender);
    timeout(SOON * 20, client.connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn binary_message_closes_the_connection() {
    let mut client = TestClient::connect(timeouts()).await;
    client.sender.send(Message::Binary(Vec::new().into())).unwrap();
    assert_eq!(client.code().await, 4400);
}
