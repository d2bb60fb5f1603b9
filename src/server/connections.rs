//! Takes connections and serves them: HTTP/1.1, and HTTP/2 for clients that begin with it. A client that is slow on
//! purpose is cut, so that it holds nothing for long.

mod activity;
mod answer;
mod room;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use activity::Activity;
use answer::Answer;

/// Requests of one HTTP/2 client at once.
const STREAMS: u32 = 100;

/// What is held of an answer that a client does not read, in bytes, and the longest head of a request.
const BUFFER: usize = 64 * 1024;

/// How long to wait when the operating system has no connection to give (no file descriptors, usually).
const PAUSE: Duration = Duration::from_millis(100);

/// How long a client may take to hear that its connection ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves what `answer` gives for each request of a peer, on a listener, until `stop`; then lets requests under way finish
/// for as long as `grace`, and tells whether they did. A client may take as long as `patience` for the head of a request,
/// and between two requests.
pub(super) async fn serve<F: Future<Output = Response<Body>> + Send + 'static>(
    listener: TcpListener,
    answer: impl Fn(SocketAddr, Request<Body>) -> F + Clone + Send + 'static,
    patience: Duration,
    stop: impl Future<Output = ()>,
    stopping: impl FnOnce(),
    grace: Duration,
) -> bool {
    let room = Arc::new(Semaphore::new(room::connections()));
    let (end, ending) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let (stream, peer, permit) = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut stop => break,
        };
        let connection = connection(stream, peer, answer.clone(), patience, ending.clone());
        tokio::spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    stopping();
    drop((listener, ending));
    // every connection listens until it is over
    end.send(()).ok();
    timeout(grace, end.closed()).await.is_ok()
}

/// The next connection there is room for.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let accepted = match Arc::clone(room).acquire_owned().await {
            Ok(permit) => listener.accept().await.map(|(stream, peer)| (stream, peer, permit)),
            Err(closed) => Err(io::Error::other(closed)),
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                // an answer is one small packet: waiting to fill it only delays it. Where that cannot be said, the peer is
                // gone already
                stream.set_nodelay(true).ok();
                return (stream, peer, permit);
            }
            Err(cause) if is_of_the_peer(&cause) => {}
            Err(cause) => {
                tracing::warn!(%cause, "a connection could not be taken");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether one peer went away before it was taken: nobody else need wait for that.
fn is_of_the_peer(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection to its end. One that is upgraded ends here: whoever took it over looks after it.
async fn connection<F: Future<Output = Response<Body>> + Send + 'static>(
    stream: TcpStream,
    peer: SocketAddr,
    answer: impl Fn(SocketAddr, Request<Body>) -> F + Send + 'static,
    patience: Duration,
    mut ending: watch::Receiver<()>,
) {
    let activity = Arc::new(Activity::new(patience));
    let watched = Arc::clone(&activity);
    let service = service_fn(move |request: Request<Incoming>| {
        let (work, answering) = (watched.work(), answer(peer, request.map(Body::new)));
        async { Ok::<_, Infallible>(answering.await.map(|body| Answer::new(body, work.answered()))) }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    // how a connection ended is the client's business
    tokio::select! {
        _ = connection.as_mut() => return,
        () = activity.over() => {}
        _ = ending.changed() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                _ = connection.as_mut() => return,
                () = activity.over() => {}
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    timeout(FAREWELL, connection).await.ok();
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // the time for a head is in `Activity` for both protocols: hyper's own would set a timer with each request
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS).max_send_buf_size(BUFFER);
    builder
}
