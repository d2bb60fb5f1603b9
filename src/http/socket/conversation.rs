//! Runs one WebSocket. Passes messages between the client and the library through `ProtocolState`, which applies the
//! protocol's rules, and closes the connection on timeouts, at the end of the session and at shutdown.

use std::{
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::{body::Bytes, extract::ws::Message};
use futures_util::{Sink, SinkExt, Stream, StreamExt, future::pending, sink, stream};
use secrecy::SecretString;
use tokio::{
    sync::mpsc,
    time::{Instant, interval, timeout},
};

use super::{
    super::{App, request::RequestContext},
    CloseReason, InitSlot,
    connection_init::{on_connection_init, until_closed},
    operations::Operations,
    protocol::{Outbound, ProtocolState},
    timeouts::Timeouts,
};

/// Queued messages of the client for the library. While the queue is full, the socket is not read.
const QUEUE: usize = 8;

/// Both ends of a WebSocket.
pub(super) trait Socket: Stream<Item = Result<Message, axum::Error>> + Sink<Message> + Unpin {}

impl<S: Stream<Item = Result<Message, axum::Error>> + Sink<Message> + Unpin> Socket for S {}

/// The client has disconnected.
struct Disconnected;

/// What happens next on a connection.
enum Step {
    /// The client sent a message or disconnected.
    Client(Option<Result<Message, axum::Error>>),
    /// The library sent a message.
    Library(Message),
    /// The library ended.
    LibraryEnded,
    /// The connection must be closed.
    Close(CloseReason),
    /// The timeouts must be checked.
    Check,
}

/// Runs a connection to its end.
pub(super) async fn run(
    mut socket: impl Socket,
    protocol: GraphQLProtocol,
    app: App,
    context: RequestContext,
    slot: InitSlot,
    timeouts: Timeouts,
) {
    let conversation = Conversation::new(&mut socket, &app, &context, timeouts);
    let close_reason = conversation.run(protocol, slot).await.ok();
    tracing::debug!(request_id = &*context.id, ?close_reason, "a WebSocket ends");
    // a TCP socket that is dropped with unread bytes is reset, and the client may lose the close frame; an evicted
    // connection does not wait for that
    let wait = if close_reason == Some(CloseReason::OVERLOADED) { Duration::ZERO } else { timeouts.close };
    let _ = timeout(wait, close(&mut socket, close_reason)).await;
}

/// Sends the close frame unless the client has disconnected, and waits for the client's.
async fn close(socket: &mut impl Socket, close_reason: Option<CloseReason>) {
    let is_read_error = matches!(&close_reason, Some(close_reason) if close_reason.is_read_error());
    if let Some(close_reason) = close_reason {
        let _ = socket.send(close_reason.frame()).await;
    }
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
    if is_read_error {
        // the socket ends at once although bytes are unread: wait for the timeout instead
        pending::<()>().await;
    }
}

/// A running connection.
struct Conversation<'a, S> {
    socket: &'a mut S,
    app: &'a App,
    context: &'a RequestContext,
    timeouts: Timeouts,
    state: ProtocolState,
    operations: Operations,
    token: Arc<OnceLock<SecretString>>,
    received_at: Instant,
    pinged_at: Instant,
    /// The reason to close once the last events are sent, and since when it is set.
    closing: Option<(CloseReason, Instant)>,
}

impl<'a, S: Socket> Conversation<'a, S> {
    fn new(socket: &'a mut S, app: &'a App, context: &'a RequestContext, timeouts: Timeouts) -> Self {
        let token = Arc::default();
        let operations = Operations::new(app.clone(), context.clone(), Arc::clone(&token));
        let (now, state) = (Instant::now(), ProtocolState::default());
        let closing = None;
        Self { socket, app, context, timeouts, state, operations, token, received_at: now, pinged_at: now, closing }
    }

    async fn run(mut self, protocol: GraphQLProtocol, slot: InitSlot) -> Result<CloseReason, Disconnected> {
        let (to_library, from_client) = mpsc::channel(QUEUE);
        let (to_client, mut from_library) = mpsc::channel(1);
        let (connection_init, init_result) = on_connection_init(self.app, self.context, &self.token);
        let library =
            GraphQLWebSocket::new_with_pair(sink(to_client), stream(from_client), self.operations.clone(), protocol);
        let library = library.on_connection_init(connection_init).serve();
        let init_timeout = self.timeouts.connection_init;
        let (mut library, mut closed) =
            (pin!(library), pin!(until_closed(self.app, self.context, init_result, slot, init_timeout)));
        let (mut draining, mut checks) = (pin!(self.app.until_draining()), interval(self.timeouts.check));
        loop {
            let step = tokio::select! {
                biased;
                () = &mut draining => return Ok(CloseReason::GOING_AWAY),
                Some(message) = from_library.recv() => Step::Library(message),
                () = &mut library => Step::LibraryEnded,
                close_reason = &mut closed, if self.closing.is_none() => Step::Close(close_reason),
                _ = checks.tick() => Step::Check,
                message = self.socket.next(), if to_library.capacity() > 1 => Step::Client(message),
            };
            let close_reason = match step {
                Step::Library(message) => self.handle_library(message, &to_library).await?,
                Step::Client(message) => self.handle_client(message, &to_library).await?,
                Step::Close(close_reason) => self.close_after_last_event(close_reason),
                Step::Check => self.check_timeouts().await?,
                Step::LibraryEnded => match from_library.try_recv() {
                    Ok(message) => self.handle_library(message, &to_library).await?.or(Some(CloseReason::DONE)),
                    Err(_) => Some(CloseReason::DONE),
                },
            };
            if let Some(close_reason) = close_reason {
                return Ok(close_reason);
            }
        }
    }

    /// Handles a message of the client.
    async fn handle_client(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        to_library: &mpsc::Sender<Message>,
    ) -> Result<Option<CloseReason>, Disconnected> {
        self.received_at = Instant::now();
        let text = match message {
            None | Some(Ok(Message::Close(_))) => return Err(Disconnected),
            Some(Err(error)) => return Ok(Some(CloseReason::read_error(&error))),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(None),
            Some(Ok(Message::Binary(_))) => return Ok(Some(CloseReason::INVALID_MESSAGE)),
            Some(Ok(Message::Text(text))) => text,
        };
        match self.state.client(&text, || self.operations.too_many()) {
            Ok(outbound) => self.deliver(outbound, to_library).await.map(|()| None),
            Err(close_reason) => Ok(Some(close_reason)),
        }
    }

    /// Handles a message of the library.
    async fn handle_library(
        &mut self,
        message: Message,
        to_library: &mpsc::Sender<Message>,
    ) -> Result<Option<CloseReason>, Disconnected> {
        match self.state.library(message) {
            Ok(outbound) => self.deliver(outbound, to_library).await?,
            Err(close_reason) => return Ok(Some(close_reason)),
        }
        let closing = self.closing.take_if(|_| self.state.is_idle());
        Ok(closing.map(|(close_reason, _)| close_reason))
    }

    async fn deliver(&mut self, outbound: Outbound, to_library: &mpsc::Sender<Message>) -> Result<(), Disconnected> {
        if let Some(message) = outbound.to_library {
            // cannot fail: the client is read only while the queue has capacity
            let _ = to_library.try_send(message);
        }
        match outbound.to_client {
            Some(message) => self.write(message).await,
            None => Ok(()),
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), Disconnected> {
        let length = if let Message::Text(text) = &message { text.len() } else { 0 };
        let _permit = self.app.0.send_budget.try_acquire(self.context.network(), length).ok_or(Disconnected)?;
        match timeout(self.timeouts.write, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Disconnected),
        }
    }

    /// Closes the connection at once, or after the running subscriptions have delivered the end of the session.
    fn close_after_last_event(&mut self, close_reason: CloseReason) -> Option<CloseReason> {
        if !close_reason.waits_for_last_event() || self.state.is_idle() {
            return Some(close_reason);
        }
        self.closing = Some((close_reason, Instant::now()));
        None
    }

    async fn check_timeouts(&mut self) -> Result<Option<CloseReason>, Disconnected> {
        if let Some((close_reason, _)) = self.closing.take_if(|(_, since)| since.elapsed() >= self.timeouts.check) {
            return Ok(Some(close_reason));
        }
        if self.received_at.elapsed() >= self.timeouts.idle {
            return Ok(Some(CloseReason::IDLE));
        }
        if self.pinged_at.elapsed() >= self.timeouts.ping {
            self.pinged_at = Instant::now();
            self.write(Message::Ping(Bytes::new())).await?;
        }
        Ok(None)
    }
}

fn sink(to_client: mpsc::Sender<Message>) -> impl Sink<Message> {
    sink::unfold(to_client, |to_client, message| async move {
        to_client.send(message).await?;
        Ok::<_, mpsc::error::SendError<Message>>(to_client)
    })
}

fn stream(from_client: mpsc::Receiver<Message>) -> impl Stream<Item = Result<Message, axum::Error>> {
    stream::unfold(from_client, |mut from_client| async {
        from_client.recv().await.map(|message| (Ok(message), from_client))
    })
}
