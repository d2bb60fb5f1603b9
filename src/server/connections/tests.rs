//! Connections over the loopback: who is cut, and who is not.

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
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tower::ServiceExt;

use super::serve;

const PATIENCE: Duration = Duration::from_millis(300);

/// Far beyond all time-outs, on a busy machine too.
const ENDLESS: Duration = Duration::from_secs(20);

/// Longer than what is held of an answer, here and in the operating system.
const LONG: usize = 16 * 1024 * 1024;

/// A server, what stops it, and whether it then ended well.
async fn start() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/short", get(async || "short"))
        .route("/long", get(async || vec![b'x'; LONG]))
        .route("/slow", get(async || sleep(PATIENCE * 4).await))
        .route("/echo", get(echo));
    let (stop, stopped) = oneshot::channel();
    let stopped = async { drop(stopped.await) };
    let answer = move |_, request| router.clone().oneshot(request).map(Result::unwrap);
    (address, stop, tokio::spawn(serve(listener, answer, PATIENCE, stopped, || {}, ENDLESS)))
}

/// Takes the connection over and says back whatever it hears, as a `WebSocket` would.
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

async fn ask(address: SocketAddr, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Begins with HTTP/2 and asks `/short`; the client takes so many bytes of the answer at once.
async fn ask_by_http_2(address: SocketAddr, window: u32) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4]);
    bytes.extend(window.to_be_bytes());
    // method GET, scheme http, path and authority as literals: the header block ends, and so does the stream
    let head = [&[0x82, 0x86, 0x04, 6][..], b"/short", &[0x41, 9], b"localhost"].concat();
    bytes.extend([0, 0, u8::try_from(head.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    bytes.extend(head);
    stream.write_all(&bytes).await.unwrap();
    stream
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    // how it ends does not matter
    timeout(ENDLESS, stream.read_to_end(&mut read)).await.expect("the connection is cut").ok();
    read
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_under_way_is_cut_whatever_its_protocol() {
    let (address, _stop, _server) = start().await;
    for http_2 in [false, true] {
        let began = Instant::now();
        let asked =
            async || if http_2 { ask_by_http_2(address, 65_535).await } else { ask(address, "/short", "").await };
        let read = read_to_end(&mut asked().await).await;
        assert!(read.windows(5).any(|part| part == b"short"), "it is answered first");
        assert!(began.elapsed() >= PATIENCE);
    }
}

#[tokio::test]
async fn a_client_that_sends_nothing_but_pings_is_cut() {
    let (address, _stop, _server) = start().await;
    let (mut from, mut to) = ask_by_http_2(address, 65_535).await.into_split();
    let pinging = async {
        while to.write_all(&[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).await.is_ok() {
            sleep(PATIENCE / 10).await;
        }
    };
    let mut read = Vec::new();
    let reading = async { drop(from.read_to_end(&mut read).await) };
    timeout(ENDLESS, async { tokio::join!(pinging, reading) }).await.expect("the connection is cut");
}

#[tokio::test]
async fn who_waits_for_an_answer_or_reads_a_long_one_is_not_cut() {
    let (address, _stop, _server) = start().await;
    let slow = read_to_end(&mut ask(address, "/slow", "").await).await;
    assert!(slow.starts_with(b"HTTP/1.1 200"));
    let mut stream = ask(address, "/long", "Connection: close\r\n").await;
    let mut read = 0;
    let mut buffer = vec![0; LONG / 16];
    let began = Instant::now();
    while let Ok(more @ 1..) = stream.read(&mut buffer).await {
        read += more;
        if began.elapsed() < PATIENCE * 6 {
            sleep(PATIENCE / 3).await;
        }
    }
    assert!(read > LONG && began.elapsed() > PATIENCE * 4, "{read} bytes in {:?}", began.elapsed());
}

#[tokio::test]
async fn a_connection_that_was_taken_over_is_not_cut() {
    let (address, stop, server) = start().await;
    let mut stream = ask(address, "/echo", "Connection: upgrade\r\nUpgrade: echo\r\n").await;
    let mut buffer = [0; 1024];
    let length = stream.read(&mut buffer).await.unwrap();
    assert!(buffer[..length].starts_with(b"HTTP/1.1 101"));
    sleep(PATIENCE * 5).await;
    stream.write_all(b"still there").await.unwrap();
    let length = stream.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..length], b"still there");
    // nor does the server wait for it
    stop.send(()).unwrap();
    assert!(timeout(ENDLESS / 2, server).await.unwrap().unwrap());
}

#[tokio::test]
async fn who_is_told_to_stop_answers_what_is_under_way_and_takes_no_more() {
    let (address, stop, server) = start().await;
    let mut idle = ask(address, "/short", "").await;
    let mut slow = ask(address, "/slow", "").await;
    sleep(PATIENCE / 3).await;
    stop.send(()).unwrap();
    assert!(read_to_end(&mut slow).await.starts_with(b"HTTP/1.1 200"));
    assert!(read_to_end(&mut idle).await.starts_with(b"HTTP/1.1 200"));
    assert!(server.await.unwrap());
    assert!(TcpStream::connect(address).await.is_err());
}
