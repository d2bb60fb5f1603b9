//! Subscriptions over real connections: delivery of events, authentication, and the end of connections.

mod protocol;

use std::time::{Duration, Instant};

use entity::{feed, feed_head, session::EndReason, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::harness::{Program, Subscriber, folder, user_key};

/// The limit for the delivery of an event on every server.
const BOUND: Duration = Duration::from_secs(1);

/// How long no event may arrive: longer than the interval of the feed.
const OBSERVATION: Duration = Duration::from_millis(700);

async fn rename(client: &crate::harness::Client, name: &str) {
    let query = "mutation($name: String) { updateProfile(input: { nickname: $name }) { userErrors { code } } }";
    client.graphql(query, json!({ "name": name })).await.data();
}

/// Whether a server authenticates a client without a statement.
async fn is_cached(app: &crate::harness::TestApp, client: &crate::harness::Client) -> bool {
    let before = app.store.statements();
    client.me().await.data();
    app.store.statements() == before
}

on_each_database! {
    async fn event_reaches_subscribers_on_other_servers_once_and_within_a_second(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let (here, there) = (app.listen().await, other.listen().await);
        let (alice, phone) = (app.log_in("alice").await, app.log_in("alice.phone").await);
        let mut subscribers = [
            Subscriber::subscribed(&here.address, &alice.token).await,
            Subscriber::subscribed(&there.address, &alice.token).await,
        ];

        rename(&alice.client, "Alice").await;
        let done = Instant::now();
        for subscriber in &mut subscribers {
            let user =
                json!({ "id": alice.user_id, "nickname": "Alice", "locale": null, "sessions": { "totalCount": 2 } });
            assert_eq!(subscriber.next_event().await, json!({ "__typename": "ProfileChangedEvent", "user": user }));
            assert!(done.elapsed() < BOUND, "{:?}", done.elapsed());
        }
        phone.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        let done = Instant::now();
        for subscriber in &mut subscribers {
            let ended = json!({
                "__typename": "SessionEndedEvent",
                "sessionId": phone.session_id,
                "reason": "LOGGED_OUT",
                "isCurrent": false,
            });
            assert_eq!(subscriber.next_event().await, ended);
            assert!(done.elapsed() < BOUND, "{:?}", done.elapsed());
        }
        for subscriber in &mut subscribers {
            assert!(subscriber.receives_nothing_for(OBSERVATION).await);
        }
    }

    async fn session_that_ended_before_connection_init_is_refused(app: TestApp) {
        let other = app.another_node().await;
        let mut tried = 0;
        for n in 0..20 {
            let tailing = other.tail_feed();
            let alice = app.log_in(&format!("alice.{n}")).await;
            let elsewhere = other.with_token(&alice.token);
            let began = Instant::now();
            while !is_cached(&other, &elsewhere).await {
                assert!(began.elapsed() < BOUND * 20, "the session is never cached");
                sleep(Duration::from_millis(20)).await;
            }
            // from here on the other server does not read the feed; its cache is valid until the lease expires
            drop(tailing);
            let caller = other.accounts.authenticate(&alice.token).await.unwrap();
            app.db_end_session(&alice, EndReason::Revoked).await;
            let opened = other.accounts.open_connection(&alice.token).await;
            let subscribed = std::sync::Arc::clone(&other.accounts).events(caller).await;
            assert_eq!(opened.unwrap_err().reason, Some("REVOKED"));
            assert_eq!(subscribed.err().and_then(|error| error.reason), Some("REVOKED"));
            // otherwise the cache was not used
            tried += u32::from(other.accounts.authenticate(&alice.token).await.is_ok());
        }
        assert!(tried > 0, "the session was never cached when its subscriber joined");
    }

    async fn end_of_the_own_session_is_delivered_before_the_connection_closes(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let there = other.listen().await;
        let (alice, phone) = (app.log_in("alice").await, app.log_in("alice.phone").await);
        let mut subscriber = Subscriber::subscribed(&there.address, &alice.token).await;
        let mut silent = Subscriber::initialised(&there.address, &alice.token).await;
        let mut stays = Subscriber::subscribed(&there.address, &phone.token).await;
        let revoke = "mutation($id: ID!) { revokeSession(sessionId: $id) { session { id } } }";
        phone.client.graphql(revoke, json!({ "id": alice.session_id })).await.data();
        let ended = Instant::now();
        let event = subscriber.next_event().await;
        assert_eq!((&event["reason"], &event["isCurrent"]), (&json!("REVOKED"), &json!(true)));
        assert_eq!(subscriber.next().await, json!({ "type": "complete", "id": "1" }));
        let closed = (4401, "Unauthorized: REVOKED".to_owned());
        assert_eq!(subscriber.next_close().await, closed);
        assert!(ended.elapsed() < BOUND * 2, "{:?}", ended.elapsed());
        // a connection without operations is closed as well
        assert_eq!(silent.next_close().await, closed);
        assert_eq!(stays.next_event().await["isCurrent"], false);
        assert!(stays.receives_nothing_for(OBSERVATION).await);
    }

    async fn events_of_other_users_are_not_delivered(app: TestApp) {
        let _task = app.tail_feed();
        let here = app.listen().await;
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let mut subscriber = Subscriber::subscribed(&here.address, &alice.token).await;
        rename(&bob.client, "Bob").await;
        bob.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        assert!(subscriber.receives_nothing_for(OBSERVATION).await);
    }

    async fn earlier_events_are_not_delivered(app: TestApp) {
        let _task = app.tail_feed();
        let here = app.listen().await;
        let alice = app.log_in("alice").await;
        // without cached sessions and subscribers the feed is not read yet
        rename(&alice.client, "before").await;
        let mut subscriber = Subscriber::subscribed(&here.address, &alice.token).await;
        rename(&alice.client, "after").await;
        assert_eq!(subscriber.next_event().await["user"]["nickname"], "after");
        assert!(subscriber.receives_nothing_for(OBSERVATION).await);
    }

    async fn gap_in_the_feed_closes_ended_sessions_and_refreshes_the_others(app: TestApp) {
        let _task = app.tail_feed();
        let here = app.listen().await;
        let (alice, bob, carol) = (app.log_in("alice").await, app.log_in("bob").await, app.log_in("carol").await);
        let mut gone = Subscriber::subscribed(&here.address, &alice.token).await;
        let mut renamed = Subscriber::subscribed(&here.address, &bob.token).await;
        let mut same = Subscriber::subscribed(&here.address, &carol.token).await;
        // changes without rows in the feed, and a head beyond the rows
        let db = app.db().await;
        app.db_end_session(&alice, EndReason::Suspended).await;
        let update = user::Entity::update_many().col_expr(user::Column::UpdatedAt, Expr::value(1_i64));
        update.filter(user::Column::Id.eq(user_key(&bob))).exec(&db).await.unwrap();
        feed::Entity::delete_many().exec(&db).await.unwrap();
        let skipped = feed_head::Entity::update_many().col_expr(feed_head::Column::Position, Expr::value(1000_i64));
        skipped.exec(&db).await.unwrap();
        assert_eq!(gone.next_close().await, (4401, "Unauthorized: SUSPENDED".to_owned()));
        assert_eq!(renamed.next_event().await["__typename"], "ProfileChangedEvent");
        for subscriber in [&mut renamed, &mut same] {
            assert!(subscriber.receives_nothing_for(OBSERVATION).await);
        }
    }

    async fn client_without_a_session_is_refused(app: TestApp) {
        let here = app.listen().await;
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        alice.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        app.db_suspend(&bob).await;
        for (payload, reason) in [
            (Value::Null, "Forbidden: MISSING"),
            (json!({}), "Forbidden: MISSING"),
            (json!("x"), "Forbidden: MISSING"),
            (json!({ "token": "x" }), "Forbidden: INVALID"),
            (json!({ "authorization": "Basic x" }), "Forbidden: MISSING"),
            (json!({ "authorization": "", "headers": { "Authorization": "Basic x" } }), "Forbidden: MISSING"),
            (json!({ "authorization": ["x"], "headers": "x" }), "Forbidden: MISSING"),
            (json!({ "headers": { "authorization": "x" } }), "Forbidden: INVALID"),
            (json!({ "token": alice.token }), "Forbidden: LOGGED_OUT"),
            (json!({ "token": bob.token }), "Forbidden: ACCOUNT_SUSPENDED"),
        ] {
            let mut subscriber = Subscriber::open(&here.address).await;
            subscriber.connection_init(payload).await;
            assert_eq!(subscriber.next_close().await, (4403, reason.to_owned()));
        }
    }
}

on_any_database! {
    async fn token_is_accepted_in_every_documented_place(app: TestApp) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let header = format!("Bearer {token}");
        for payload in [
            json!({ "authorization": header }),
            json!({ "Authorization": header }),
            json!({ "AUTHORIZATION": format!("bearer   {token} ") }),
            json!({ "authorization": token }),
            json!({ "Authorization": token, "token": 1 }),
            json!({ "token": token }),
            json!({ "token": header }),
            json!({ "Token": format!(" {token}"), "authorization": "Basic x" }),
            json!({ "headers": { "Authorization": header } }),
            json!({ "headers": { "authorization": token } }),
            json!({ "headers": { "token": token }, "token": null }),
        ] {
            let mut subscriber = Subscriber::open(&here.address).await;
            subscriber.connection_init(payload).await;
            assert_eq!(subscriber.next().await, json!({ "type": "connection_ack" }));
        }
        let mut subscriber = Subscriber::open_with(&here.address, &[("authorization", &header)]).await.unwrap();
        subscriber.send(json!({ "type": "connection_init" })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "connection_ack" }));
        // the message has precedence over the header
        let mut subscriber = Subscriber::open_with(&here.address, &[("authorization", &header)]).await.unwrap();
        subscriber.connection_init(json!({ "token": "x" })).await;
        assert_eq!(subscriber.next_close().await.0, 4403);
    }

    async fn expired_token_closes_the_connection(app: TestApp) {
        let _task = app.tail_feed();
        let here = app.listen().await;
        let alice = app.log_in("alice").await;
        let mut subscriber = Subscriber::subscribed(&here.address, &alice.token).await;
        app.clock.advance(Duration::from_hours(2) - Duration::from_secs(1));
        assert!(subscriber.receives_nothing_for(BOUND * 2).await);
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(subscriber.next_close().await, (4403, "Forbidden: EXPIRED".to_owned()));
        // the session is live, and another token of it is accepted
        let refreshed = app.anonymous().refresh(&alice.refresh_token).await;
        let token = refreshed.data()["refreshSession"]["token"].as_str().unwrap();
        Subscriber::subscribed(&here.address, token).await;
    }

    async fn connections_of_one_user_are_limited(app: TestApp, [("FILE", "subscriptions_per_user = 2")]) {
        let here = app.listen().await;
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let first = Subscriber::initialised(&here.address, &alice.token).await;
        let _second = Subscriber::initialised(&here.address, &alice.token).await;
        let mut third = Subscriber::open(&here.address).await;
        third.connection_init(json!({ "token": alice.token })).await;
        assert_eq!(third.next_close().await, (1013, "Try again later: OVERLOADED".to_owned()));
        Subscriber::initialised(&here.address, &bob.token).await;
        drop(first);
        sleep(OBSERVATION).await;
        Subscriber::initialised(&here.address, &alice.token).await;
    }

    async fn connections_of_a_server_are_limited(app: TestApp, [("FILE", "subscriptions = 2")]) {
        let here = app.listen().await;
        let token = app.log_in("alice").await.token;
        let first = Subscriber::initialised(&here.address, &token).await;
        let _second = Subscriber::initialised(&here.address, &token).await;
        let refused = Subscriber::open_with(&here.address, &[]).await.err().unwrap();
        let tokio_tungstenite::tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
        assert_eq!(response.status(), 503);
        let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "OVERLOADED");
        drop(first);
        sleep(OBSERVATION).await;
        Subscriber::open(&here.address).await;
    }

    async fn subscriber_that_does_not_read_is_disconnected(app: TestApp) {
        let _task = app.tail_feed();
        let here = app.listen().await;
        let alice = app.log_in("alice").await;
        let mut slow = Subscriber::subscribed(&here.address, &alice.token).await;
        // more events than are queued for a subscriber
        let row = feed::Model {
            lane: feed::lane_of(user_key(&alice)),
            position: 0,
            user_id: user_key(&alice),
            kind: feed::Kind::UserChanged,
            session_id: None,
            end_reason: None,
            created_at: entity::Timestamp(1_790_000_000_000),
        };
        let db = app.db().await;
        let head = feed_head::Entity::find_by_id(row.lane).one(&db).await.unwrap().unwrap().position;
        let rows = (1..=200).map(|n| {
            sea_orm::ActiveModelTrait::reset_all(feed::ActiveModel::from(feed::Model {
                position: head + n,
                ..row.clone()
            }))
        });
        feed::Entity::insert_many(rows).exec_without_returning(&db).await.unwrap();
        let moved = feed_head::Entity::update_many().col_expr(feed_head::Column::Position, Expr::value(head + 200));
        moved.filter(feed_head::Column::Lane.eq(row.lane)).exec(&db).await.unwrap();
        assert_eq!(slow.next_close().await, (1013, "Try again later: OVERLOADED".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_closes_subscriptions() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let login = server.login("emulator:alice").await;
    let token = login["data"]["login"]["token"].as_str().unwrap();
    let address = server.api.trim_start_matches("http://").to_owned();
    let mut polite = Subscriber::subscribed(&address, token).await;
    let mut silent = Subscriber::open(&address).await;
    let _unread = Subscriber::subscribed(&address, token).await;
    server.terminate();
    let signalled = Instant::now();
    assert_eq!(polite.next_close().await, (1001, "Going away".to_owned()));
    assert_eq!(silent.next_close().await.0, 1001);
    assert_eq!(timeout(BOUND * 5, server.wait_for_exit(BOUND * 5)).await.unwrap(), Some(0));
    assert!(signalled.elapsed() < BOUND * 2, "{:?}", signalled.elapsed());
}
