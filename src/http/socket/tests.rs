//! What depends on clocks, tried on a socket that is a pair of channels, at a pace of milliseconds.

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

use super::{PROTOCOL, Pace, hold};
use crate::{
    account::Client,
    error::Language,
    http::{App, request::Brought, tests::app},
};

const SOON: Duration = Duration::from_millis(100);

const NEVER: Duration = Duration::from_hours(1);

/// The server's end of a socket.
struct Line {
    incoming: mpsc::UnboundedReceiver<Message>,
    outgoing: mpsc::UnboundedSender<Message>,
}

impl Stream for Line {
    type Item = Result<Message, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(context).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for Line {
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
struct Caller {
    say: mpsc::UnboundedSender<Message>,
    hear: mpsc::UnboundedReceiver<Message>,
    held: JoinHandle<()>,
    app: App,
    _folder: TempDir,
}

impl Caller {
    async fn connect(pace: Pace) -> Self {
        let (app, folder) = app().await;
        let ((say, incoming), (outgoing, hear)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let held = hold(Line { incoming, outgoing }, protocol().await, app.clone(), brought(), pace);
        Self { say, hear, held: tokio::spawn(held), app, _folder: folder }
    }

    async fn next(&mut self) -> Option<Message> {
        timeout(Duration::from_secs(10), self.hear.recv()).await.expect("nothing is said for too long")
    }

    /// The code of the last message.
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

fn brought() -> Brought {
    let client = Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), user_agent: None };
    Brought { id: crate::random::name(), caller: crate::graphql::Caller::new(client, Language::En, None) }
}

/// A pace at which nothing happens by itself.
fn pace() -> Pace {
    let [introduction, ping, silence, write] = [NEVER; 4];
    Pace { introduction, look: SOON / 10, ping, silence, write, farewell: SOON }
}

#[tokio::test]
async fn one_who_does_not_say_who_they_are_is_not_waited_for() {
    let mut caller = Caller::connect(Pace { introduction: SOON, ..pace() }).await;
    assert_eq!(caller.code().await, 4408);
    // they say nothing to the farewell either
    timeout(SOON * 20, caller.held).await.unwrap().unwrap();
}

#[tokio::test]
async fn one_who_answers_pings_stays_and_one_who_does_not_goes() {
    let mut caller = Caller::connect(Pace { ping: SOON, silence: SOON * 5, ..pace() }).await;
    for _ in 0..10 {
        assert!(matches!(caller.next().await, Some(Message::Ping(_))));
        caller.say.send(Message::Pong(Vec::new().into())).unwrap();
    }
    assert_eq!(caller.code().await, 3008);
}

#[tokio::test]
async fn everybody_is_sent_away_at_once_when_the_server_stops() {
    let mut caller = Caller::connect(pace()).await;
    caller.app.drain();
    assert_eq!(caller.code().await, 1001);
}

#[tokio::test]
async fn one_who_has_gone_is_not_waited_for() {
    let caller = Caller::connect(Pace { farewell: NEVER, ..pace() }).await;
    drop(caller.say);
    timeout(SOON * 20, caller.held).await.unwrap().unwrap();
}

#[tokio::test]
async fn bytes_are_no_message() {
    let mut caller = Caller::connect(pace()).await;
    caller.say.send(Message::Binary(Vec::new().into())).unwrap();
    assert_eq!(caller.code().await, 4400);
}
