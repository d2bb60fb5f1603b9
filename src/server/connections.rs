//! Takes connections and serves them: HTTP/1.1, and HTTP/2 for clients that begin with it. A client that is slow on
//! purpose is cut, so that it holds nothing for long.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tower::ServiceExt;

/// How often an idle HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);

/// Requests of one HTTP/2 client at once.
const STREAMS: u32 = 100;

/// Connections at once; more wait in the operating system's queue. Each costs a few kilobytes.
const CONNECTIONS: usize = 10_000;

/// How long to wait when the operating system has no connection to give (no file descriptors, usually).
const PAUSE: Duration = Duration::from_millis(100);

/// Serves a router on a listener until `stop`, then lets requests under way finish for as long as `grace`. The answer
/// tells whether they did. The head of a request may take a client as long as `patience`.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Duration,
    stop: impl Future<Output = ()>,
    stopping: impl FnOnce(),
    grace: Duration,
) -> bool {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                let connection = connection(stream, peer, router.clone(), patience, &graceful);
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(cause) => {
                tracing::warn!(%cause, "a connection could not be taken");
                sleep(PAUSE).await;
            }
        }
    }
    stopping();
    drop(listener);
    timeout(grace, graceful.shutdown()).await.is_ok()
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // an answer is one small packet: waiting to fill it only delays it
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}

/// Serves one connection to its end.
fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    patience: Duration,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let began = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&began);
    let service = service_fn(move |mut request: Request<Incoming>| {
        begins.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = builder(patience).serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    async move {
        tokio::select! {
            // how a connection ended is the client's business
            _ = connection => {}
            () = cut(began, patience) => {}
        }
    }
}

/// Ends when a connection has not brought its first request in time: the protocol is told apart by the first bytes, and
/// nobody else waits for those with a clock in hand.
async fn cut(began: Arc<AtomicBool>, patience: Duration) {
    sleep(patience).await;
    if began.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

fn builder(patience: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(STREAMS);
    builder
}
