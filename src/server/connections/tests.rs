//! Tests of timeouts, limits and shutdown with connections over the loopback.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
    routing::get,
};
use futures_util::FutureExt;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tower::ServiceExt;

use super::{ConnectionLimit, ConnectionTimeouts, serve};

const TIMEOUT: Duration = Duration::from_millis(300);

/// Far longer than all timeouts, even on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Longer than the buffers of the server and of the operating system together, in bytes.
const LONG: usize = 16 * 1024 * 1024;

/// A server with a high limit, the sender that stops it, and its task, which returns whether all requests finished.
async fn start() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<bool>) {
    start_with(TIMEOUT, 1000).await
}

async fn start_with(keep_alive: Duration, connections: usize) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/short", get(async || "short"))
        .route("/long", get(async || vec![b'x'; LONG]))
        .route("/slow", get(async || sleep(TIMEOUT * 4).await))
        .route("/echo", get(echo));
    let (stop, stopped) = oneshot::channel();
    let stopped = async { drop(stopped.await) };
    let handler = move |_, request| router.clone().oneshot(request).map(Result::unwrap);
    let (limit, timeouts) = (ConnectionLimit::new(connections, &[]), ConnectionTimeouts { head: TIMEOUT, keep_alive });
    (address, stop, tokio::spawn(serve(listener, limit, handler, timeouts, stopped, || {}, TEST_TIMEOUT)))
}

/// Upgrades the connection, as for a WebSocket, and echoes all bytes.
async fn echo(mut request: Request<Body>) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let (mut from, mut to) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
        tokio::io::copy(&mut from, &mut to).await.ok();
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(header::UPGRADE, header::HeaderValue::from_static("echo"));
    response
}

async fn send_get(address: SocketAddr, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Sends `GET /short` by HTTP/2, with a flow-control window of `window` bytes.
async fn send_get_by_http_2(address: SocketAddr, window: u32) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4]);
    bytes.extend(window.to_be_bytes());
    // method GET, scheme http, literal path and authority; flags END_HEADERS and END_STREAM
    let head = [&[0x82, 0x86, 0x04, 6][..], b"/short", &[0x41, 9], b"localhost"].concat();
    bytes.extend([0, 0, u8::try_from(head.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    bytes.extend(head);
    stream.write_all(&bytes).await.unwrap();
    stream
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    // the connection may end with an error
    timeout(TEST_TIMEOUT, stream.read_to_end(&mut read)).await.expect("the connection is closed").ok();
    read
}

#[tokio::test]
async fn idle_connection_is_closed_in_either_protocol() {
    let (address, _stop, _server) = start().await;
    for http_2 in [false, true] {
        let began = Instant::now();
        let mut stream =
            if http_2 { send_get_by_http_2(address, 65_535).await } else { send_get(address, "/short", "").await };
        let read = read_to_end(&mut stream).await;
        assert!(read.windows(5).any(|part| part == b"short"), "the response comes first");
        assert!(began.elapsed() >= TIMEOUT);
    }
}

#[tokio::test]
async fn client_that_sends_only_pings_is_disconnected() {
    let (address, _stop, _server) = start().await;
    let (mut from, mut to) = send_get_by_http_2(address, 65_535).await.into_split();
    let pinging = async {
        while to.write_all(&[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).await.is_ok() {
            sleep(TIMEOUT / 10).await;
        }
    };
    let mut read = Vec::new();
    let reading = async { drop(from.read_to_end(&mut read).await) };
    timeout(TEST_TIMEOUT, async { tokio::join!(pinging, reading) }).await.expect("the connection is closed");
}

#[tokio::test]
async fn slow_handler_and_long_response_keep_the_connection_open() {
    let (address, _stop, _server) = start().await;
    let slow = read_to_end(&mut send_get(address, "/slow", "").await).await;
    assert!(slow.starts_with(b"HTTP/1.1 200"));
    let mut stream = send_get(address, "/long", "Connection: close\r\n").await;
    let mut read = 0;
    let mut buffer = vec![0; LONG / 16];
    let began = Instant::now();
    while let Ok(more @ 1..) = stream.read(&mut buffer).await {
        read += more;
        if began.elapsed() < TIMEOUT * 6 {
            sleep(TIMEOUT / 3).await;
        }
    }
    assert!(read > LONG && began.elapsed() > TIMEOUT * 4, "{read} bytes in {:?}", began.elapsed());
}

#[tokio::test]
async fn upgraded_connection_does_not_time_out() {
    let (address, stop, server) = start().await;
    let mut stream = send_get(address, "/echo", "Connection: upgrade\r\nUpgrade: echo\r\n").await;
    let mut buffer = [0; 1024];
    let length = stream.read(&mut buffer).await.unwrap();
    assert!(buffer[..length].starts_with(b"HTTP/1.1 101"));
    sleep(TIMEOUT * 5).await;
    stream.write_all(b"still there").await.unwrap();
    let length = stream.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..length], b"still there");
    // the server does not wait for it at shutdown
    stop.send(()).unwrap();
    assert!(timeout(TEST_TIMEOUT / 2, server).await.unwrap().unwrap());
}

#[tokio::test]
async fn upgraded_connection_counts_towards_the_limit_until_it_ends() {
    let (address, _stop, _server) = start_with(TIMEOUT, 3).await;
    let mut upgraded = Vec::new();
    for _ in 0..3 {
        let mut stream = send_get(address, "/echo", "Connection: upgrade\r\nUpgrade: echo\r\n").await;
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        upgraded.push(stream);
    }
    let mut waiting = send_get(address, "/short", "").await;
    let mut buffer = [0; 1024];
    assert!(timeout(TIMEOUT * 3, waiting.read(&mut buffer)).await.is_err(), "the limit is reached");
    upgraded.pop();
    let length = timeout(TEST_TIMEOUT, waiting.read(&mut buffer)).await.unwrap().unwrap();
    assert!(buffer[..length].starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn peer_beyond_its_limit_is_disconnected_and_others_are_served() {
    let (address, _stop, _server) = start_with(TEST_TIMEOUT, 10).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut stream = send_get(address, "/short", "").await;
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        open.push(stream);
    }
    assert!(read_to_end(&mut send_get(address, "/short", "").await).await.is_empty());
    let other = TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(address).await.unwrap();
    other.write_all(b"GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(timeout(TEST_TIMEOUT, other.read(&mut [0; 1024])).await.unwrap().unwrap() > 0);
}

#[tokio::test]
async fn idle_connection_lasts_longer_than_an_incomplete_head() {
    let (address, _stop, _server) = start_with(TEST_TIMEOUT * 2, 1000).await;
    let mut stream = send_get(address, "/short", "").await;
    let mut buffer = [0; 1024];
    for _ in 0..2 {
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        sleep(TIMEOUT * 3).await;
        stream.write_all(b"GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    }
    assert!(stream.read(&mut buffer).await.unwrap() > 0);
    stream.write_all(b"GET /short HTTP/1.1\r\nHost: local").await.unwrap();
    assert!(read_to_end(&mut stream).await.is_empty());
    // a connection without any request has only the timeout of a head
    read_to_end(&mut TcpStream::connect(address).await.unwrap()).await;
}

#[tokio::test]
async fn shutdown_finishes_running_requests_and_accepts_no_more() {
    let (address, stop, server) = start().await;
    let mut idle = send_get(address, "/short", "").await;
    let mut slow = send_get(address, "/slow", "").await;
    sleep(TIMEOUT / 3).await;
    stop.send(()).unwrap();
    assert!(read_to_end(&mut slow).await.starts_with(b"HTTP/1.1 200"));
    assert!(read_to_end(&mut idle).await.starts_with(b"HTTP/1.1 200"));
    assert!(server.await.unwrap());
    assert!(TcpStream::connect(address).await.is_err());
}
