//! Slow clients are disconnected.

use std::{
    future::pending,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use super::{PATHS, connect, exchange, request, serve};
use crate::harness::ServerProcess;

const SETTINGS: &str = "client_timeout = \"300ms\"\nkeep_alive_timeout = \"300ms\"\n";

/// The delay between two bytes of a slow client.
const PAUSE: Duration = Duration::from_millis(50);

/// Much longer than the timeout, even on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_that_does_not_finish_its_request_is_disconnected() {
    let (_folder, server) = serve(SETTINGS).await;
    let head = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(1000));
    for (at_once, slowly) in [("", ""), ("", PREFACE), (PREFACE, ""), ("", &*head), (&*head, "xxxx"), ("\r\n", "")] {
        assert_disconnected(&server, at_once, slowly).await;
    }
    assert!(server.is_up().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connection_is_closed() {
    let (_folder, server) = serve(SETTINGS).await;
    assert_disconnected(&server, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incomplete_body_times_out() {
    let (_folder, server) = serve(SETTINGS).await;
    for path in PATHS {
        for (header, half) in [("Content-Length: 100", "{"), ("Transfer-Encoding: chunked", "5\r\n{")] {
            let answer = timeout(TEST_TIMEOUT, exchange(&server, &request(path, header, half))).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 504 ") && answer.contains("\"TIMEOUT\""), "{answer}");
        }
    }
    assert!(server.is_up().await);
}

/// Sends one text at once and another byte by byte, and waits until the server closes the connection.
async fn assert_disconnected(server: &ServerProcess, at_once: &str, slowly: &str) {
    let began = Instant::now();
    let (mut from, mut to) = connect(server).await.into_split();
    let sending = async {
        to.write_all(at_once.as_bytes()).await.ok();
        for byte in slowly.bytes() {
            to.write_all(&[byte]).await.ok();
            sleep(PAUSE).await;
        }
        pending::<()>().await;
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = sending => {}
        // the connection may end with an error
        _ = from.read_to_end(&mut answer) => {}
        () = sleep(TEST_TIMEOUT) => panic!("not disconnected after {at_once:?} and slowly {slowly:?}"),
    }
    assert!(began.elapsed() > PAUSE * 4, "disconnected at once after {at_once:?} and slowly {slowly:?}");
}
