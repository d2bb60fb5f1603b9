//! `User.metadata` is returned as the client sent it, within its limits, and only to the user.

use std::time::Duration;

use entity::{feed, user::Role, user_metadata};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Map, Value, json};

use crate::harness::{ApiResponse, Client, Subscriber, TestApp, TestUser, user_key};

const UPDATE: &str = "mutation($metadata: JSON) { updateProfile(input: { metadata: $metadata }) {
    user { metadata } userErrors { message code field } } }";

async fn set(client: &Client, metadata: Value) -> ApiResponse {
    client.graphql(UPDATE, json!({ "metadata": metadata })).await
}

/// Sets the metadata, and reads them back.
async fn stored(client: &Client, metadata: Value) -> Value {
    let answer = set(client, metadata).await;
    let payload = answer.data()["updateProfile"].clone();
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    assert_eq!(payload["user"]["metadata"], metadata_of(client).await);
    payload["user"]["metadata"].clone()
}

async fn metadata_of(client: &Client) -> Value {
    client.graphql("{ me { metadata } }", json!({})).await.data()["me"]["metadata"].clone()
}

/// The code of the only error.
async fn refusal(client: &Client, metadata: Value) -> String {
    let answer = set(client, metadata).await;
    let payload = &answer.data()["updateProfile"];
    assert_eq!((&payload["user"], payload["userErrors"].as_array().unwrap().len()), (&Value::Null, 1));
    let error = &payload["userErrors"][0];
    assert_eq!(error["field"], json!(["input", "metadata"]));
    error["code"].as_str().unwrap().to_owned()
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |inner, _| json!([inner]))
}

fn with_keys(count: usize) -> Value {
    (0..count).map(|n| (n.to_string(), json!(0))).collect::<Map<_, _>>().into()
}

async fn db_row(app: &TestApp, user: &TestUser) -> Option<user_metadata::Model> {
    user_metadata::Entity::find_by_id(user_key(user)).one(&app.db().await).await.unwrap()
}

async fn feed_events(app: &TestApp) -> u64 {
    feed::Entity::find().count(&app.db().await).await.unwrap()
}

on_each_database! {
    async fn any_json_is_returned_as_it_was_sent(app: TestApp) {
        let alice = app.log_in("alice").await;
        assert_eq!(metadata_of(&alice.client).await, Value::Null);
        for metadata in [
            json!({ "theme": "dark", "list": [1, 2.5, -0.1, true, null, {}], "名字": "好 \u{1f469}\u{0}\"\\" }),
            json!([18_446_744_073_709_551_615_u64, i64::MIN, 0.1, 1e300, 1.0]),
            json!({ "": { "a b": [], "$x": "{" } }),
            json!("text"),
            json!(5),
            json!(false),
        ] {
            assert_eq!(stored(&alice.client, metadata.clone()).await, metadata);
        }
        assert_eq!(stored(&alice.client, Value::Null).await, Value::Null);
        assert_eq!(db_row(&app, &alice).await, None);
    }

    async fn metadata_are_replaced_as_a_whole_or_left_unchanged(app: TestApp) {
        let alice = app.log_in("alice").await;
        stored(&alice.client, json!({ "a": 1, "b": { "c": 2 } })).await;
        assert_eq!(stored(&alice.client, json!({ "b": {} })).await, json!({ "b": {} }));
        let query = "mutation($metadata: JSON) { updateProfile(input: { nickname: \"Alice\", metadata: $metadata }) {
            user { nickname metadata } } }";
        let answer = alice.client.graphql(query, json!({})).await;
        assert_eq!(answer.data()["updateProfile"]["user"], json!({ "nickname": "Alice", "metadata": { "b": {} } }));
    }

    async fn longest_metadata_fit_every_database(app: TestApp) {
        let alice = app.log_in("alice").await;
        // two quotation marks, and 8,190 bytes of characters with three and four bytes
        let longest = json!(format!("{}{}", "好".repeat(2718), "👩".repeat(9)));
        assert_eq!(longest.to_string().len(), 8192);
        assert_eq!(stored(&alice.client, longest.clone()).await, longest);
        let escaped = json!("\u{0}".repeat(1365));
        assert_eq!(stored(&alice.client, escaped.clone()).await, escaped);
    }

    async fn only_a_change_is_written_and_published(app: TestApp) {
        let alice = app.log_in("alice").await;
        stored(&alice.client, Value::Null).await;
        assert_eq!(feed_events(&app).await, 0);
        stored(&alice.client, json!({ "a": 1 })).await;
        let row = db_row(&app, &alice).await.unwrap();
        assert_eq!(feed_events(&app).await, 1);
        app.clock.advance(Duration::from_secs(5));
        stored(&alice.client, json!({ "a": 1 })).await;
        assert_eq!((db_row(&app, &alice).await.unwrap(), feed_events(&app).await), (row, 1));
        stored(&alice.client, Value::Null).await;
        assert_eq!((db_row(&app, &alice).await, feed_events(&app).await), (None, 2));
    }

    async fn concurrent_updates_leave_one_with_its_own_nickname(app: TestApp) {
        let alice = app.log_in("alice").await;
        let updates = (0..10).map(|n| {
            let client = alice.client.clone();
            tokio::spawn(async move {
                let input = json!({ "nickname": format!("{n}"), "metadata": { "n": n } });
                let update =
                    "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }";
                client.graphql(update, json!({ "input": input })).await.data();
            })
        });
        for update in updates.collect::<Vec<_>>() {
            update.await.unwrap();
        }
        let me = alice.client.graphql("{ me { nickname metadata } }", json!({})).await.data()["me"].clone();
        assert_eq!(me["nickname"], me["metadata"]["n"].to_string());
        assert_eq!(feed_events(&app).await, 10);
    }

    async fn metadata_of_many_users_need_few_statements(app: TestApp) {
        let admin = app.log_in("admin").await;
        app.db_set_role(&admin, Role::Admin).await;
        let mut ids = Vec::new();
        for n in 0..20 {
            let user = app.log_in(&format!("user{n}")).await;
            if n % 2 == 0 {
                stored(&user.client, json!(n)).await;
            }
            ids.push(user.user_id);
        }
        let query = "query($ids: [ID!]!) { users(ids: $ids) { metadata } }";
        let before = app.store.statements();
        let answer = admin.client.graphql(query, json!({ "ids": ids })).await;
        let statements = app.store.statements() - before;
        let expected: Vec<_> = (0..20).map(|n| json!({ "metadata": (n % 2 == 0).then_some(n) })).collect();
        assert_eq!(answer.data()["users"], json!(expected));
        assert!(statements <= 5, "{statements} statements for the session, the users and the metadata");
    }
}

on_any_database! {
    async fn metadata_beyond_the_limits_are_refused_and_not_written(app: TestApp) {
        let alice = app.log_in("alice").await;
        stored(&alice.client, json!("before")).await;
        assert_eq!(refusal(&alice.client, json!("x".repeat(8191))).await, "TOO_LONG");
        assert_eq!(refusal(&alice.client, nested(17)).await, "TOO_DEEP");
        assert_eq!(refusal(&alice.client, with_keys(1001)).await, "TOO_MANY_KEYS");
        assert_eq!(metadata_of(&alice.client).await, json!("before"));
        stored(&alice.client, nested(16)).await;
        let keys = with_keys(1000);
        assert_eq!(stored(&alice.client, keys.clone()).await, keys);
    }

    async fn metadata_can_be_a_literal_in_the_document(app: TestApp) {
        let alice = app.log_in("alice").await;
        let query = "mutation($x: Int) { updateProfile(input: { metadata: { a: [1, \"x\", { b: null }], x: $x } }) {
            user { metadata } } }";
        let answer = alice.client.graphql(query, json!({ "x": 7 })).await;
        let expected = json!({ "a": [1, "x", { "b": null }], "x": 7 });
        assert_eq!(answer.data()["updateProfile"]["user"]["metadata"], expected);
        let twice = "mutation { updateProfile(input: { metadata: { a: 1, a: 2 } }) { user { metadata } } }";
        assert_eq!(
            alice.client.graphql(twice, json!({})).await.data()["updateProfile"]["user"]["metadata"],
            json!({ "a": 2 })
        );
        let with_enum = "mutation { updateProfile(input: { metadata: { a: RED } }) { user { metadata } } }";
        assert_eq!(alice.client.graphql(with_enum, json!({})).await.code(), "GRAPHQL_VALIDATION_FAILED");
        let of_another_type = "mutation($m: String) { updateProfile(input: { metadata: $m }) { user { metadata } } }";
        assert_eq!(alice.client.graphql(of_another_type, json!({ "m": "" })).await.code(), "GRAPHQL_VALIDATION_FAILED");
    }

    async fn subscriber_receives_a_change_of_metadata(app: TestApp) {
        let alice = app.log_in("alice").await;
        let _tail = app.tail_feed();
        let listening = app.listen().await;
        let mut subscriber = Subscriber::initialised(&listening.address, &alice.token).await;
        let query = "subscription { accountEvents { ... on ProfileChangedEvent { user { metadata } } } }";
        subscriber.subscribe("1", query).await;
        subscriber.send(json!({ "type": "ping" })).await;
        assert_eq!(subscriber.next().await, json!({ "type": "pong" }));
        tokio::time::sleep(Duration::from_millis(300)).await;
        stored(&alice.client, json!({ "a": 1 })).await;
        assert_eq!(subscriber.next_event().await, json!({ "user": { "metadata": { "a": 1 } } }));
    }
}
