//! HTTP/2 clients that do not read responses, or read them more slowly than they send requests. The tests write frames
//! themselves, because a library would read.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{TEST_TIMEOUT, TestRequest, client, serve};
use crate::harness::ServerProcess;

const CONNECTIONS: usize = 30;

/// Concurrent requests of one connection.
const STREAMS: u32 = 100;

/// Memory that all connections may take, in bytes. Without a limit the responses take 1 GB. The futures of a debug
/// build take 30 KB for each request in flight.
const MEMORY: usize = 128 * 1024 * 1024;

/// A connection that does not read by itself.
struct Http2(TcpStream);

impl Http2 {
    /// Connects, with `window` bytes as the flow-control window of each stream.
    async fn connect(server: &ServerProcess, window: u32) -> Self {
        let mut stream = TcpStream::connect(server.api.trim_start_matches("http://")).await.unwrap();
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(frame(4, 0, 0, &[&[0, 4][..], &window.to_be_bytes()].concat()));
        // the window of the connection has the maximum size
        bytes.extend(frame(8, 0, 0, &0x7fff_0000_u32.to_be_bytes()));
        stream.write_all(&bytes).await.unwrap();
        Self(stream)
    }

    /// Sends a request of a client on a stream with an odd number.
    async fn send(&mut self, stream: u32, request: &TestRequest, client: &str) {
        let mut head = vec![0x82, 0x86];
        for (name, value) in [(&[0x04][..], &*request.path), (&[0x41], "localhost")] {
            head.extend(name);
            head.extend(text(value));
        }
        for (name, value) in [("x-forwarded-for", client), ("authorization", &format!("Bearer {}", request.token))] {
            head.push(0);
            head.extend(text(name));
            head.extend(text(value));
        }
        // fails if the server has closed the connection
        self.0.write_all(&frame(1, 5, stream, &head)).await.ok();
    }

    /// Reads slowly until all responses have ended, in any way.
    async fn read_slowly(&mut self, pause: Duration, until: Instant) -> usize {
        let (mut buffer, mut read) = (vec![0; 4096], 0);
        while Instant::now() < until {
            match timeout(pause, self.0.read(&mut buffer)).await {
                Ok(Ok(more @ 1..)) => read += more,
                Ok(_) => break,
                Err(_) => {}
            }
            sleep(pause).await;
        }
        read
    }
}

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

/// A string literal of HPACK (RFC 7541): its length as a variable-length integer, and its bytes.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut length = text.len();
    if length < 127 {
        bytes.push(u8::try_from(length).unwrap());
    } else {
        bytes.push(127);
        length -= 127;
        while length >= 128 {
            bytes.push(u8::try_from(length % 128).unwrap() | 128);
            length /= 128;
        }
        bytes.push(u8::try_from(length).unwrap());
    }
    bytes.extend(text.bytes());
    bytes
}

/// Opens connections, each with the maximum number of requests.
async fn flood(server: &ServerProcess, request: &TestRequest, window: u32) -> Vec<Http2> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Http2::connect(server, window).await;
        for stream in 0..STREAMS {
            connection.send(stream * 2 + 1, request, &client(0)).await;
        }
        connections.push(connection);
    }
    connections
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_of_unread_responses_is_limited() {
    let (_folder, server) = serve("").await;
    let (long, short) = (TestRequest::long(&server).await, TestRequest::short());
    assert_eq!(long.refusal(&server, &client(0)).await, None);
    let before = server.memory();
    let flood = flood(&server, &long, 0).await;
    let refused = async || {
        while long.refusal(&server, &client(0)).await.is_none() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(TEST_TIMEOUT, refused()).await.expect("the unread responses of one client are not limited");
    // until all requests have a response or are reset
    let mut memory = (0, server.memory());
    while memory.1 > memory.0 {
        sleep(Duration::from_secs(1)).await;
        memory = (memory.1, server.memory());
    }
    assert!(memory.1 < before + MEMORY, "{before} bytes grew to {}", memory.1);
    assert!(long.refusal(&server, &client(0)).await.is_some());
    assert_eq!(short.refusal(&server, &client(100)).await, None, "another client is refused");
    assert!(server.is_up().await);
    drop(flood);
    let admitted = async || {
        while long.refusal(&server, &client(0)).await.is_some() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(TEST_TIMEOUT, admitted()).await.expect("the memory of closed connections is not released");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_of_slowly_read_responses_is_limited() {
    let (_folder, server) = serve("").await;
    let long = TestRequest::long(&server).await;
    assert_eq!(long.refusal(&server, &client(0)).await, None);
    let before = server.memory();
    let flood = flood(&server, &long, 1024 * 1024).await;
    let end = Instant::now() + Duration::from_secs(5);
    let reading = flood
        .into_iter()
        .map(|mut connection| async move { connection.read_slowly(Duration::from_millis(20), end).await });
    let (mut most, reading) = (0, tokio::spawn(futures_util::future::join_all(reading)));
    while !reading.is_finished() {
        most = most.max(server.memory());
        sleep(Duration::from_millis(100)).await;
    }
    let read = reading.await.unwrap();
    assert!(read.iter().sum::<usize>() > 1024 * 1024, "{read:?}");
    assert!(most < before + MEMORY, "{before} bytes grew to {most}");
}
