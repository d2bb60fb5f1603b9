//! A user with a hundred subscriptions: each change is read from the database once for all of them.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::harness::Subscriber;

/// Connections of one user, and subscriptions of one connection.
const LIMIT: usize = 10;

/// Selects only fields of the changed row.
const EVENTS: &str = "subscription { accountEvents { ... on ProfileChangedEvent { user { nickname } } } }";

on_each_database! {
    async fn change_is_read_once_for_all_subscriptions_of_a_user(app: TestApp) {
        let other = app.another_node().await;
        let (here, _task) = (other.listen().await, other.tail_feed());
        let alice = app.log_in("alice").await;
        let mut subscribers = Vec::new();
        for _ in 0..LIMIT {
            let mut subscriber = Subscriber::initialised(&here.address, &alice.token).await;
            for n in 0..LIMIT {
                subscriber.subscribe(&n.to_string(), EVENTS).await;
            }
            subscribers.push(subscriber);
        }
        // until the first reads of all subscriptions are done
        let mut before = other.store.statements();
        for _ in 0..20 {
            sleep(Duration::from_secs(1)).await;
            let statements = other.store.statements();
            if statements == before {
                break;
            }
            before = statements;
        }
        let rename = "mutation { updateProfile(input: { nickname: \"Alice\" }) { userErrors { code } } }";
        alice.client.graphql(rename, json!({})).await.data();
        for subscriber in &mut subscribers {
            for _ in 0..LIMIT {
                assert_eq!(subscriber.next_event().await["user"]["nickname"], "Alice");
            }
        }
        assert_eq!(other.store.statements() - before, 1);
    }
}
