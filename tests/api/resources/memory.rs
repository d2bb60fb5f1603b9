//! The memory of subscriptions is limited.

use serde_json::json;

use super::serve;
use crate::harness::{EVENTS, Subscriber};

/// Connections of one user, and subscriptions of one connection.
const LIMIT: usize = 10;

/// Memory that all subscriptions may take, in bytes.
const MEMORY: usize = 40 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unused_parts_of_a_request_are_not_stored() {
    let (_folder, server) = serve("").await;
    let address = server.api.trim_start_matches("http://").to_owned();
    let login = server.login("emulator:alice").await;
    let token = login["data"]["login"]["token"].as_str().unwrap();
    // a number takes two bytes in a message and dozens in memory
    let heavy = json!({ "numbers": vec![0; 28_000] });
    let payload = json!({ "query": EVENTS, "variables": heavy, "extensions": heavy["none"], "operationName": null });
    let mut subscribers = vec![Subscriber::subscribed(&address, token).await];
    let before = server.memory();
    for _ in 1..LIMIT {
        subscribers.push(Subscriber::initialised(&address, token).await);
    }
    for subscriber in &mut subscribers {
        for n in 1..LIMIT {
            subscriber.send(json!({ "type": "subscribe", "id": format!("n{n}"), "payload": payload })).await;
        }
        subscriber.send(json!({ "type": "ping" })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "pong" }));
    }
    let memory = server.memory();
    assert!(memory < before + MEMORY, "{before} bytes become {memory}");
}

on_any_database! {
    async fn memory_of_operations_and_length_of_their_ids_are_limited(app: TestApp) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let mut subscriber = Subscriber::initialised(&here.address, &token).await;
        let wide = format!("subscription {{ accountEvents {{ {} }} }}", "__typename ".repeat(900));
        let mut begun = 0;
        let refused = loop {
            subscriber.subscribe(&begun.to_string(), &wide).await;
            subscriber.send(json!({ "type": "ping" })).await;
            let message = subscriber.next().await;
            if message["type"] == "error" {
                assert_eq!(subscriber.next().await["type"], "pong");
                break message;
            }
            begun += 1;
        };
        assert!(begun > 0 && begun < 3, "{begun}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], "QUERY_TOO_EXPENSIVE");
        // an ended operation takes no memory
        subscriber.send(json!({ "type": "complete", "id": "0" })).await;
        subscriber.subscribe("again", &wide).await;
        subscriber.send(json!({ "type": "ping" })).await;
        assert_eq!(subscriber.next().await["type"], "pong");
        subscriber.subscribe(&"x".repeat(129), EVENTS).await;
        assert_eq!(subscriber.next_close().await.0, 4400);
    }
}
