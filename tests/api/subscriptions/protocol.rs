//! The rules of `graphql-transport-ws`, and the refused messages and handshakes.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::harness::{EVENTS, Subscriber};

/// SHA-256 of `subscription Events { accountEvents { __typename } }`.
const REGISTERED: &str = "418584b8049c16bfa954d65a42bc20ae98461dca58b3964be1ba87b600f7177d";

/// The type of the next message and the code of its first error.
async fn refusal(subscriber: &mut Subscriber) -> (String, Value) {
    let error = subscriber.next().await;
    assert_eq!(error["type"], "error", "{error}");
    let first = &error["payload"][0];
    let extensions = &first["extensions"];
    assert!(extensions["requestId"].is_string() && extensions["action"].is_string(), "{error}");
    (extensions["code"].as_str().unwrap().to_owned(), error["id"].clone())
}

on_any_database! {
    async fn protocol_violation_closes_the_connection_with_its_code(app: TestApp) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let init = json!({ "type": "connection_init", "payload": { "token": token } });
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": EVENTS } });
        for (messages, code) in [
            (vec![subscribe.clone()], 4401),
            (vec![json!({ "type": "what" })], 4400),
            (vec![json!(1)], 4400),
            (vec![init.clone(), init.clone()], 4429),
            (vec![init.clone(), Value::Null, subscribe.clone(), subscribe.clone()], 4409),
            (
                vec![init.clone(), Value::Null, json!({ "type": "subscribe", "id": "1", "payload": { "query": 1 } })],
                4400,
            ),
        ] {
            let mut subscriber = Subscriber::open(&here.address).await;
            for message in messages {
                if message.is_null() {
                    assert_eq!(subscriber.next().await, json!({ "type": "connection_ack" }));
                } else {
                    subscriber.send(message).await;
                }
            }
            assert_eq!(subscriber.next_close().await.0, code);
        }
    }

    async fn message_that_is_too_long_or_binary_closes_the_connection(app: TestApp) {
        let here = app.listen().await;
        let long = |length: usize| {
            Message::Text(format!("{{\"type\":\"ping\",\"payload\":{{\"x\":\"{}\"}}}}", "x".repeat(length)).into())
        };
        let mut subscriber = Subscriber::open(&here.address).await;
        subscriber.send_frame(long(60 * 1024)).await;
        assert_eq!(subscriber.next().await, json!({ "type": "pong" }));
        subscriber.send_frame(long(64 * 1024)).await;
        assert_eq!(subscriber.next_close().await.0, 1009);
        let mut subscriber = Subscriber::open(&here.address).await;
        subscriber.send_frame(Message::Binary(b"{\"type\":\"ping\"}".to_vec().into())).await;
        assert_eq!(subscriber.next_close().await.0, 4400);
    }

    async fn missing_connection_init_times_out(app: TestApp, [("FILE", "client_timeout = \"1s\"")]) {
        let here = app.listen().await;
        let mut subscriber = Subscriber::open(&here.address).await;
        assert_eq!(subscriber.next_close().await, (4408, "Connection initialisation timeout".to_owned()));
    }

    async fn only_valid_subscriptions_run(app: TestApp) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let mut subscriber = Subscriber::initialised(&here.address, &token).await;
        let wide = format!("subscription {{ accountEvents {{ {} }} }}", "__typename ".repeat(1001));
        let deep =
            format!("subscription {{ accountEvents(v: {}1{}) {{ __typename }} }}", "[".repeat(500), "]".repeat(500));
        for (query, code) in [
            ("{ me { id } }", "BAD_REQUEST"),
            ("mutation { logout { endedSessions } }", "BAD_REQUEST"),
            ("", "BAD_REQUEST"),
            ("subscription {", "GRAPHQL_PARSE_FAILED"),
            (r#"subscription { accountEvents(v: "\uD83D") { __typename } }"#, "GRAPHQL_PARSE_FAILED"),
            (
                r#"subscription { accountEvents(v: "\uD83D\uDE00\u{1F600}") { __typename } }"#,
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
            (
                "subscription { a: accountEvents { __typename } b: accountEvents { __typename } }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                "subscription { ...F } fragment F on Subscription { accountEvents { __typename } }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("subscription($v: ID!) { accountEvents { __typename } }", "BAD_USER_INPUT"),
            ("query A { me { id } } query B { me { id } }", "OPERATION_RESOLUTION_FAILURE"),
            (&*wide, "QUERY_TOO_EXPENSIVE"),
            (&*deep, "QUERY_TOO_EXPENSIVE"),
        ] {
            subscriber.subscribe("1", query).await;
            assert_eq!(refusal(&mut subscriber).await, (code.to_owned(), json!("1")), "{query}");
        }
        // the connection and the session remain usable
        subscriber.subscribe("1", EVENTS).await;
        subscriber.send(json!({ "type": "ping" })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "pong" }));
        app.with_token(&token).me().await.data();
    }

    async fn operations_of_a_connection_are_limited(app: TestApp) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let mut subscriber = Subscriber::initialised(&here.address, &token).await;
        for n in 0..=10 {
            subscriber.subscribe(&n.to_string(), EVENTS).await;
        }
        assert_eq!(refusal(&mut subscriber).await, ("BAD_REQUEST".to_owned(), json!("10")));
        subscriber.send(json!({ "type": "complete", "id": "3" })).await;
        subscriber.subscribe("10", EVENTS).await;
        subscriber.send(json!({ "type": "ping" })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "pong" }));
    }

    async fn subscription_by_post_is_refused_with_a_hint(app: TestApp) {
        let alice = app.log_in("alice").await;
        let answer = alice.client.graphql(EVENTS, json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "BAD_REQUEST"));
        assert!(answer.message().contains("WebSocket"), "{}", answer.text);
        let answer = alice.client.get("/graphql?query=subscription%7BaccountEvents%7B__typename%7D%7D").await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "BAD_REQUEST"));
    }

    async fn invalid_handshake_is_refused_with_the_reason(app: TestApp) {
        let here = app.listen().await;
        for protocol in ["graphql-ws", "graphql-transport-wss", ""] {
            let refused =
                Subscriber::open_with(&here.address, &[("sec-websocket-protocol", protocol)]).await.err().unwrap();
            let Error::Http(response) = refused else { panic!("{refused}") };
            assert_eq!(response.status(), 400, "{protocol}");
        }
        // the server chooses its protocol from several
        let offers = [("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")];
        Subscriber::open_with(&here.address, &offers).await.unwrap();
        // an incomplete handshake is a bad request; without `Upgrade` it is an ordinary GET
        let client = app.anonymous();
        let half =
            client.clone().header("upgrade", "websocket").header("sec-websocket-protocol", "graphql-transport-ws");
        assert_eq!(half.get("/graphql").await.code(), "BAD_REQUEST");
        client.get("/graphql?query=%7BserverInfo%7Bversion%7D%7D").await.data();
    }

    async fn unregistered_subscription_is_refused(
        app: TestApp,
        [("TRUSTED_DOCUMENTS", "tests/api/fixtures/manifest.json")]
    ) {
        let here = app.listen().await;
        let token = app.anonymous().post("/api/login", &json!({ "code": "alice" })).await.body["token"].clone();
        let mut subscriber = Subscriber::initialised(&here.address, token.as_str().unwrap()).await;
        let by_hash = |id: &str| json!({ "extensions": { "persistedQuery": { "sha256Hash": id } } });
        for payload in [json!({ "query": EVENTS }), json!({ "documentId": "nothing" }), by_hash("nothing")] {
            subscriber.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
            assert_eq!(refusal(&mut subscriber).await.0, "BAD_REQUEST");
        }
        for (id, payload) in [("1", json!({ "documentId": REGISTERED })), ("2", by_hash(REGISTERED))] {
            subscriber.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
        }
        subscriber.send(json!({ "type": "ping" })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "pong" }));
    }

    async fn hash_is_not_supported_without_registered_documents(app: TestApp) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let mut subscriber = Subscriber::open_with(&here.address, &[("accept-language", "zh-CN")]).await.unwrap();
        subscriber.connection_init(json!({ "token": token })).await;
        subscriber.next().await;
        let by_hash = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": REGISTERED } } });
        for payload in [by_hash, json!({ "documentId": REGISTERED })] {
            subscriber.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
            let error = subscriber.next().await["payload"][0].clone();
            let told = (&error["message"], &error["extensions"]["code"], &error["extensions"]["action"]);
            let expected =
                (&json!("PersistedQueryNotSupported"), &json!("PERSISTED_QUERY_NOT_SUPPORTED"), &json!("FIX"));
            assert_eq!(told, expected);
        }
    }

    async fn errors_are_in_the_language_of_the_request(app: TestApp) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let mut subscriber = Subscriber::open_with(&here.address, &[("accept-language", "zh-CN")]).await.unwrap();
        subscriber.connection_init(json!({ "token": token })).await;
        subscriber.next().await;
        subscriber.subscribe("1", "{ me { id } }").await;
        let message = subscriber.next().await["payload"][0]["message"].clone();
        assert!(message.as_str().unwrap().starts_with("请求无效"), "{message}");
    }
}
