//! Accepts connections and serves HTTP/1.1, and HTTP/2 with prior knowledge. Connections of slow or idle clients are
//! closed after a timeout.

mod activity;
mod body;
mod connection_limit;
mod stream;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

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
    sync::watch,
    time::{sleep, timeout},
};

use crate::http::SendPermit;
pub(super) use activity::ConnectionTimeouts;
use activity::{Activity, RequestGuard};
use body::CountedBody;
pub(super) use connection_limit::ConnectionLimit;
use connection_limit::ConnectionPermit;
use stream::CountedStream;

/// Concurrent streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;

/// Size of the read and write buffers of a connection, in bytes. It limits the head of a request, and how much of a
/// response is buffered while the client does not read.
const BUFFER_SIZE: usize = 64 * 1024;

/// HTTP/2 flow-control windows for received data, in bytes. No body is longer than the window of a stream; hyper's default
/// is 1 MiB.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;

/// How long to wait after a failed `accept`, which usually means that the process has no file descriptors left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// How long the graceful shutdown of a connection may take after its timeout.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves the requests of a listener with `handler` until `stop`, then calls `on_stop` and waits up to `grace` for running
/// requests. Returns whether all of them finished.
pub(super) async fn serve<F: Future<Output = Response<Body>> + Send + 'static>(
    listener: TcpListener,
    limit: ConnectionLimit,
    handler: impl Fn(SocketAddr, Request<Body>) -> F + Clone + Send + 'static,
    timeouts: ConnectionTimeouts,
    stop: impl Future<Output = ()>,
    on_stop: impl FnOnce(),
    grace: Duration,
) -> bool {
    let (shutdown, shutdown_receiver) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let (stream, peer, permit) = tokio::select! {
            accepted = accept(&listener, &limit) => accepted,
            () = &mut stop => break,
        };
        let activity = Arc::new(Activity::new(timeouts, limit.near_limit()));
        let stream = CountedStream::new(stream, Arc::clone(&activity), permit);
        tokio::spawn(connection(stream, peer, handler.clone(), activity, shutdown_receiver.clone()));
    }
    on_stop();
    drop((listener, shutdown_receiver));
    // each connection holds a receiver until it ends
    shutdown.send(()).ok();
    timeout(grace, shutdown.closed()).await.is_ok()
}

/// Accepts the next connection within the limit. Closes connections of peers that have too many.
async fn accept(listener: &TcpListener, limit: &ConnectionLimit) -> (TcpStream, SocketAddr, ConnectionPermit) {
    loop {
        let accepted = match limit.acquire().await {
            Some(slot) => listener.accept().await.map(|(stream, peer)| (stream, peer, limit.for_peer(peer.ip(), slot))),
            None => Err(io::ErrorKind::ResourceBusy.into()),
        };
        match accepted {
            Ok((stream, peer, Some(permit))) => {
                // a response is one small packet, which Nagle's algorithm would delay; fails only if the peer is gone
                stream.set_nodelay(true).ok();
                return (stream, peer, permit);
            }
            Ok((_, _, None)) => {}
            Err(cause) if is_peer_error(&cause) => {}
            Err(cause) => {
                tracing::warn!(%cause, "a connection could not be accepted");
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

/// Whether the peer closed the connection before it was accepted. The next `accept` need not wait then.
fn is_peer_error(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection until it ends, is upgraded, or times out.
async fn connection<F: Future<Output = Response<Body>> + Send + 'static>(
    stream: CountedStream,
    peer: SocketAddr,
    handler: impl Fn(SocketAddr, Request<Body>) -> F + Send + 'static,
    activity: Arc<Activity>,
    mut shutdown: watch::Receiver<()>,
) {
    let request_activity = Arc::clone(&activity);
    let service = service_fn(move |request: Request<Incoming>| {
        let guard = request_activity.start_request(request.version());
        let response = handler(peer, request.map(Body::new));
        async { track_response(response.await, guard) }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    // errors of a connection are the client's and are not logged
    tokio::select! {
        _ = connection.as_mut() => return,
        () = activity.timed_out() => {}
        _ = shutdown.changed() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                _ = connection.as_mut() => return,
                () = activity.timed_out() => {}
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    timeout(CLOSE_TIMEOUT, connection).await.ok();
}

/// Counts the response until the client has read it. An error resets the HTTP/2 stream, or closes the HTTP/1.1 connection.
fn track_response(mut response: Response<Body>, guard: RequestGuard) -> Result<Response<CountedBody>, SendDenied> {
    let permit = match response.extensions_mut().remove() {
        Some(SendPermit::Denied) => return Err(SendDenied),
        Some(SendPermit::Granted(permit)) => Some(permit),
        None => None,
    };
    Ok(response.map(|body| CountedBody::new(body, permit, guard.start_response())))
}

/// The client has too many unread responses.
#[derive(Debug, thiserror::Error)]
#[error("the client does not read its responses")]
struct SendDenied;

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // `Activity` limits the time for a head in both protocols: hyper's own limit sets a timer for each request
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER_SIZE);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS).max_send_buf_size(BUFFER_SIZE);
    http2.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    builder
}
