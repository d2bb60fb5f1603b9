//! One connection from its first message to its last. Between the socket and the library stands `Talk`, which knows the
//! rules; beside them go the clocks, the caller's session and the server's own end.

use std::{
    pin::pin,
    sync::{Arc, OnceLock},
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
    super::{App, request::Brought},
    Ending,
    introduction::{introduce, leaving},
    operations::Operations,
    pace::Pace,
    protocol::{Post, Talk},
};

/// Messages of the client that the library has not taken yet. While there are more, nothing is read.
const UNREAD: usize = 8;

/// Both ends of a WebSocket.
pub(super) trait Socket: Stream<Item = Result<Message, axum::Error>> + Sink<Message> + Unpin {}

impl<S: Stream<Item = Result<Message, axum::Error>> + Sink<Message> + Unpin> Socket for S {}

/// The client has gone, and hears nothing any more.
struct Gone;

/// What happens next.
enum Step {
    /// The client said something, or has gone.
    Client(Option<Result<Message, axum::Error>>),
    /// The library did.
    Library(Message),
    /// The library has nothing more to say.
    Silence,
    /// The client may stay no longer.
    Leave(Ending),
    /// It is time to look at the clock.
    Look,
}

/// Talks with a client until one of the two has enough.
pub(super) async fn hold(mut socket: impl Socket, protocol: GraphQLProtocol, app: App, brought: Brought, pace: Pace) {
    let conversation = Conversation::new(&mut socket, &app, &brought, pace);
    let ending = conversation.run(protocol).await.ok();
    tracing::debug!(request_id = &*brought.id, ?ending, "a subscriber's connection ends");
    // a socket that is dropped with something unread in it takes back what was said last
    let _ = timeout(pace.farewell, farewell(&mut socket, ending)).await;
}

/// Says good-bye where somebody is there to hear it, and waits until the client has done so too.
async fn farewell(socket: &mut impl Socket, ending: Option<Ending>) {
    let is_cut = matches!(&ending, Some(ending) if ending.is_cut());
    if let Some(ending) = ending {
        let _ = socket.send(ending.frame()).await;
    }
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
    if is_cut {
        // nothing can be read any more, and yet there is something unread
        pending::<()>().await;
    }
}

/// A conversation under way.
struct Conversation<'a, S> {
    socket: &'a mut S,
    app: &'a App,
    brought: &'a Brought,
    pace: Pace,
    talk: Talk,
    operations: Operations,
    token: Arc<OnceLock<SecretString>>,
    heard_at: Instant,
    pinged_at: Instant,
    /// Why the client leaves, once their last news are on the way; and since when.
    parting: Option<(Ending, Instant)>,
}

impl<'a, S: Socket> Conversation<'a, S> {
    fn new(socket: &'a mut S, app: &'a App, brought: &'a Brought, pace: Pace) -> Self {
        let token = Arc::default();
        let operations = Operations::new(app.clone(), brought.clone(), Arc::clone(&token));
        let (now, talk) = (Instant::now(), Talk::default());
        Self { socket, app, brought, pace, talk, operations, token, heard_at: now, pinged_at: now, parting: None }
    }

    async fn run(mut self, protocol: GraphQLProtocol) -> Result<Ending, Gone> {
        let (to_library, from_client) = mpsc::channel(UNREAD);
        let (to_client, mut from_library) = mpsc::channel(1);
        let (introduction, introduced) = introduce(self.app, self.brought, &self.token);
        let library =
            GraphQLWebSocket::new_with_pair(sink(to_client), stream(from_client), self.operations.clone(), protocol);
        let library = library.on_connection_init(introduction).serve();
        let (mut library, mut leaving) =
            (pin!(library), pin!(leaving(self.app, self.brought, introduced, self.pace.introduction)));
        let (mut stopping, mut looks) = (pin!(self.app.stopping()), interval(self.pace.look));
        loop {
            let step = tokio::select! {
                biased;
                () = &mut stopping => return Ok(Ending::GOING_AWAY),
                Some(message) = from_library.recv() => Step::Library(message),
                () = &mut library => Step::Silence,
                ending = &mut leaving, if self.parting.is_none() => Step::Leave(ending),
                _ = looks.tick() => Step::Look,
                message = self.socket.next(), if to_library.capacity() > 1 => Step::Client(message),
            };
            let ending = match step {
                Step::Library(message) => self.answer(message, &to_library).await?,
                Step::Client(message) => self.take(message, &to_library).await?,
                Step::Leave(ending) => self.leave(ending),
                Step::Look => self.look().await?,
                Step::Silence => match from_library.try_recv() {
                    Ok(message) => self.answer(message, &to_library).await?.or(Some(Ending::DONE)),
                    Err(_) => Some(Ending::DONE),
                },
            };
            if let Some(ending) = ending {
                return Ok(ending);
            }
        }
    }

    /// What the client said goes to the library.
    async fn take(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        to_library: &mpsc::Sender<Message>,
    ) -> Result<Option<Ending>, Gone> {
        self.heard_at = Instant::now();
        let text = match message {
            None | Some(Ok(Message::Close(_))) => return Err(Gone),
            Some(Err(error)) => return Ok(Some(Ending::cut(&error))),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(None),
            Some(Ok(Message::Binary(_))) => return Ok(Some(Ending::MALFORMED)),
            Some(Ok(Message::Text(text))) => text,
        };
        match self.talk.client(&text, || self.operations.too_many()) {
            Ok(post) => self.deliver(post, to_library).await.map(|()| None),
            Err(ending) => Ok(Some(ending)),
        }
    }

    /// What the library said goes to the client.
    async fn answer(&mut self, message: Message, to_library: &mpsc::Sender<Message>) -> Result<Option<Ending>, Gone> {
        match self.talk.library(message) {
            Ok(post) => self.deliver(post, to_library).await?,
            Err(ending) => return Ok(Some(ending)),
        }
        let parted = self.parting.take_if(|_| self.talk.is_idle());
        Ok(parted.map(|(ending, _)| ending))
    }

    async fn deliver(&mut self, post: Post, to_library: &mpsc::Sender<Message>) -> Result<(), Gone> {
        if let Some(message) = post.library {
            // there is room: see when the client is read
            let _ = to_library.try_send(message);
        }
        match post.client {
            Some(message) => self.write(message).await,
            None => Ok(()),
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(self.pace.write, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }

    /// The client may stay no longer. One whose session was ended is told so first.
    fn leave(&mut self, ending: Ending) -> Option<Ending> {
        if !ending.has_last_words() || self.talk.is_idle() {
            return Some(ending);
        }
        self.parting = Some((ending, Instant::now()));
        None
    }

    /// Looks at the clock.
    async fn look(&mut self) -> Result<Option<Ending>, Gone> {
        if let Some((ending, _)) = self.parting.take_if(|(_, since)| since.elapsed() >= self.pace.look) {
            return Ok(Some(ending));
        }
        if self.heard_at.elapsed() >= self.pace.silence {
            return Ok(Some(Ending::SILENT));
        }
        if self.pinged_at.elapsed() >= self.pace.ping {
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
