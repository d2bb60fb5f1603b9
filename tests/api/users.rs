//! Looking up users and other objects by their ids.

use entity::{IdentityId, UserId};
use miniaccount::global_id::GlobalId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{ApiResponse, Client, DatabaseKind, TestApp, TestDatabase, TestUser};

async fn users(client: &Client, ids: &[&str]) -> ApiResponse {
    client.graphql("query($ids: [ID!]!) { users(ids: $ids) { id nickname } }", json!({ "ids": ids })).await
}

/// The returned ids; null for an unknown user.
#[track_caller]
fn found(answer: &ApiResponse) -> Vec<Option<&str>> {
    answer.data()["users"].as_array().unwrap().iter().map(|user| user["id"].as_str()).collect()
}

async fn user(client: &Client, id: &str) -> ApiResponse {
    client.graphql("query($id: ID!) { user(id: $id) { id nickname avatarUrl } }", json!({ "id": id })).await
}

async fn node(client: &Client, id: &str) -> ApiResponse {
    let query = "query($id: ID!) { node(id: $id) { __typename id
        ... on Session { isCurrent } ... on Identity { appId } } }";
    client.graphql(query, json!({ "id": id })).await
}

async fn identities(user: &TestUser) -> Vec<String> {
    let answer = user.client.graphql("{ me { identities { id } } }", json!({})).await;
    let identities = answer.data()["me"]["identities"].as_array().unwrap();
    identities.iter().map(|identity| identity["id"].as_str().unwrap().to_owned()).collect()
}

/// The id of a user that never existed.
fn unknown_id() -> String {
    GlobalId::User(UserId(Uuid::from_u128(7))).encode()
}

/// Texts that are not valid ids; the last ones nearly are.
fn malformed(id: &str) -> [String; 7] {
    let (padded, cut) = (format!("{id}="), id[..id.len() - 1].to_owned());
    [String::new(), "1".to_owned(), "garbage".to_owned(), "用户".to_owned(), "x".repeat(5000), padded, cut]
}

on_each_database! {
    async fn users_are_in_the_order_of_the_requested_ids(app: TestApp) {
        let (alice, bob, carol) = (app.log_in("alice").await, app.log_in("bob").await, app.log_in("carol").await);
        let [a, b, c] = [&alice, &bob, &carol].map(|user| user.user_id.as_str());
        assert_eq!(found(&users(&alice.client, &[c, a, b]).await), [c, a, b].map(Some));
        assert_eq!(found(&users(&alice.client, &[b, c, a]).await), [b, c, a].map(Some));
        assert_eq!(found(&users(&alice.client, &[]).await), []);
    }

    async fn user_requested_twice_is_returned_twice(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let ids = [&*bob.user_id, &*alice.user_id, &*bob.user_id];
        assert_eq!(found(&users(&alice.client, &ids).await), ids.map(Some));
    }

    async fn unknown_ids_are_null(app: TestApp) {
        let alice = app.log_in("alice").await;
        let unknown = unknown_id();
        let ids = [&*unknown, &*alice.user_id, "garbage", "", &*alice.session_id];
        assert_eq!(found(&users(&alice.client, &ids).await), [None, Some(&*alice.user_id), None, None, None]);
        assert_eq!(found(&users(&alice.client, &["garbage"]).await), [None]);
    }

    async fn more_than_a_hundred_ids_are_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        let mut ids = vec![&*alice.user_id; 100];
        assert_eq!(found(&users(&alice.client, &ids).await), vec![Some(&*alice.user_id); 100]);
        ids.push("garbage");
        let answer = users(&alice.client, &ids).await;
        assert_eq!((answer.code(), &answer.error()["action"]), ("BAD_USER_INPUT", &json!("FIX")));
    }

    async fn user_is_found_by_id(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        for id in [&alice.user_id, &bob.user_id] {
            assert_eq!(user(&alice.client, id).await.data()["user"]["id"], json!(id));
        }
    }

    async fn unknown_user_is_null_without_an_error(app: TestApp) {
        let alice = app.log_in("alice").await;
        let identity = identities(&alice).await.remove(0);
        for id in malformed(&alice.user_id).iter().chain([&unknown_id(), &alice.session_id, &identity]) {
            assert_eq!(user(&alice.client, id).await.data(), &json!({ "user": null }), "{id}");
        }
    }

    async fn private_fields_of_other_users_are_null(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let query = "query($id: ID!) { user(id: $id) { id phoneNumber nickname } }";
        let answer = alice.client.graphql(query, json!({ "id": bob.user_id })).await;
        assert_eq!((answer.code(), &answer.error()["action"]), ("FORBIDDEN", &json!("GIVE_UP")));
        assert_eq!(answer.body["data"]["user"], json!({ "id": bob.user_id, "phoneNumber": null, "nickname": null }));
    }

    async fn node_is_a_user_or_an_own_session_or_identity(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let identity = identities(&alice).await.remove(0);
        for (id, expected) in [
            (&alice.user_id, json!({ "__typename": "User", "id": alice.user_id })),
            (&bob.user_id, json!({ "__typename": "User", "id": bob.user_id })),
            (&alice.session_id, json!({ "__typename": "Session", "id": alice.session_id, "isCurrent": true })),
            (&identity, json!({ "__typename": "Identity", "id": identity, "appId": "wx1" })),
        ] {
            assert_eq!(node(&alice.client, id).await.data()["node"], expected);
        }
    }

    async fn unknown_node_and_node_of_another_user_are_null(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let identity = identities(&bob).await.remove(0);
        let unknown = GlobalId::Identity(IdentityId(Uuid::from_u128(7))).encode();
        let others = [bob.session_id.clone(), identity, unknown_id(), unknown];
        for id in malformed(&alice.user_id).iter().chain(&others) {
            assert_eq!(node(&alice.client, id).await.data(), &json!({ "node": null }), "{id}");
        }
    }

    async fn ended_session_is_not_a_node(app: TestApp) {
        let (alice, over) = (app.log_in("alice.1").await, app.log_in("alice.2").await);
        over.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        assert_eq!(node(&alice.client, &over.session_id).await.data()["node"], Value::Null);
    }

    async fn lookup_without_a_session_is_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        let anonymous = app.anonymous();
        for id in [&alice.user_id, &alice.session_id, "garbage"] {
            assert_eq!(user(&anonymous, id).await.refusal(), "MISSING");
            assert_eq!(node(&anonymous, id).await.refusal(), "MISSING");
            assert_eq!(users(&anonymous, &[id]).await.refusal(), "MISSING");
        }
        assert_eq!(users(&anonymous, &[]).await.refusal(), "MISSING");
    }
}

#[tokio::test]
async fn any_number_of_users_needs_one_statement() {
    let database = TestDatabase::create(DatabaseKind::Sqlite).await.unwrap();
    let app = TestApp::start(&database, &[]).await;
    let mut people = Vec::new();
    for n in 0..20 {
        people.push(app.log_in(&format!("person{n}")).await);
    }
    let mut ids: Vec<&str> = people.iter().map(|person| &*person.user_id).collect();
    ids.push("garbage");
    for (ids, expected) in [(&ids[..], 2), (&ids[..1], 2), (&ids[20..], 1)] {
        let before = app.store.statements();
        users(&people[0].client, ids).await.data();
        // one statement for the session, one for the users
        assert_eq!(app.store.statements() - before, expected);
    }
}

#[tokio::test]
async fn only_the_first_use_of_a_refreshed_token_needs_another_statement() {
    let database = TestDatabase::create(DatabaseKind::Sqlite).await.unwrap();
    let app = TestApp::start(&database, &[]).await;
    let alice = app.log_in("alice").await;
    let refreshed = app.anonymous().refresh(&alice.refresh_token).await;
    let newer = app.with_token(refreshed.data()["refreshSession"]["token"].as_str().unwrap());
    for (client, expected) in [(&alice.client, 1), (&newer, 2), (&newer, 1), (&alice.client, 1)] {
        let before = app.store.statements();
        client.me().await.data();
        assert_eq!(app.store.statements() - before, expected);
    }
}
