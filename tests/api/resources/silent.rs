//! Idle connections and WebSockets count until they end, and do not keep other clients out.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{BEHIND_PROXY, client, serve_limited};
use crate::harness::{ServerProcess, Subscriber};

/// Shorter than the timeout of a connection that sends nothing.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A WebSocket whose client sends the handshake, and nothing after it.
async fn silent(address: &str, client: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /graphql HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    // the server may close it at once
    stream.write_all(request.as_bytes()).await.ok();
    stream
}

/// Whether a new connection is served.
async fn is_served(address: &str) -> bool {
    let request = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.map(|_| answer)
    };
    matches!(timeout(TIMEOUT, request).await, Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 200"))
}

async fn log_in(server: &ServerProcess) -> String {
    let login = server.login("emulator:alice").await;
    login["data"]["login"]["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uninitialised_websockets_do_not_keep_others_out() {
    let (_folder, server) = serve_limited("", Some(400)).await;
    let address = server.api.trim_start_matches("http://").to_owned();
    let token = log_in(&server).await;
    let mut open = Vec::new();
    for n in 0..400 {
        open.push(silent(&address, &client(n % 200)).await);
    }
    sleep(Duration::from_millis(500)).await;
    assert!(is_served(&address).await);
    timeout(TIMEOUT, Subscriber::initialised(&address, &token))
        .await
        .expect("an initialised connection is not admitted");
}

on_any_database! {
    async fn connection_init_succeeds_despite_many_uninitialised_connections(
        app: TestApp,
        [BEHIND_PROXY, ("FILE", "subscriptions = 20")]
    ) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let mut silent = Vec::new();
        for _ in 0..40 {
            silent.push(Subscriber::open(&here.address).await);
        }
        let mut subscribers = Vec::new();
        for _ in 0..5 {
            subscribers.push(Subscriber::initialised(&here.address, &token).await);
        }
        // the oldest connections were evicted with "try again later"
        assert_eq!(silent[0].next_close().await, (1013, "Try again later: OVERLOADED".to_owned()));
    }

    async fn one_client_can_use_half_of_the_subscriptions(
        app: TestApp,
        [BEHIND_PROXY, ("FILE", "subscriptions = 8\nsubscriptions_per_user = 20")]
    ) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let open = async |n| {
            let address = client(n);
            Subscriber::open_with(&here.address, &[("x-forwarded-for", &address)]).await
        };
        let initialised = async |n| {
            let mut subscriber = open(n).await.unwrap();
            subscriber.connection_init(json!({ "token": token })).await;
            assert_eq!(subscriber.next().await, json!({ "type": "connection_ack" }));
            subscriber
        };
        // a connection that was admitted before the limit was reached
        let mut late = open(1).await.unwrap();
        let mut subscribers = Vec::new();
        for _ in 0..4 {
            subscribers.push(initialised(1).await);
        }
        late.connection_init(json!({ "token": token })).await;
        assert_eq!(late.next_close().await, (1013, "Try again later: OVERLOADED".to_owned()));
        let refused = open(1).await.err().unwrap();
        let tokio_tungstenite::tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
        assert_eq!((response.status().as_u16(), &response.headers()["connection"]), (503, &"close".parse().unwrap()));
        initialised(2).await;
        drop(subscribers);
        sleep(Duration::from_secs(1)).await;
        initialised(1).await;
    }
}
