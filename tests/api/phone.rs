//! Telephone numbers: bound with a code of WeChat, sealed in the database, and unique to one account.

use std::time::Duration;

use entity::user;
use miniaccount::account::Resealed;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::{
    harness::{ApiResponse, Client, PHONE, Reply, TOKEN, TestApp, user_key},
    rotation::{NEW_FIRST, NEW_ONLY},
};

const NUMBER: &str = "86-13800000000";
const OTHER: &str = "86-13900000000";

on_each_database! {
    async fn code_binds_the_number_and_the_user_can_read_it(app: TestApp) {
        let alice = app.log_in("alice").await;
        let bound = bind(&alice.client, NUMBER).await;
        let expected = json!({ "user": { "phoneNumber": "+8613800000000" }, "userErrors": [] });
        assert_eq!(bound.data()["bindPhoneNumber"], expected);
        assert_eq!(number(&alice.client).await, "+8613800000000");
        assert_eq!(number(&app.without_direct_queries().with_token(&alice.token)).await, "+8613800000000");
        assert_eq!(app.wechat.calls_of(PHONE)[0]["openid"], "o_alice");
        let row = db_user(&app, &alice).await;
        let stored = [row.sealed_phone.unwrap().0, row.phone_index.unwrap().0].concat();
        assert!(!String::from_utf8_lossy(&stored).contains("138"));
    }

    async fn number_of_another_account_is_refused_without_naming_it(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        bind(&alice.client, NUMBER).await.data();
        let refused = bind(&bob.client, &format!("{NUMBER}.bob")).await;
        assert_eq!(error(&refused), "PHONE_TAKEN");
        assert!(!refused.text.contains(&alice.user_id) && !refused.text.contains("138"), "{}", refused.text);
        assert_eq!((number(&alice.client).await, number(&bob.client).await), (json!("+8613800000000"), Value::Null));
    }

    async fn fifty_concurrent_binds_give_a_number_to_one_user(app: TestApp) {
        let other = app.another_node().await;
        let mut people = Vec::new();
        for n in 0..50 {
            people.push(app.log_in(&format!("user{n}")).await);
        }
        let racers: Vec<_> = people
            .iter()
            .enumerate()
            .map(|(n, person)| {
                let client = [&app, &other][n % 2].with_token(&person.token);
                tokio::spawn(async move { bind(&client, &format!("{NUMBER}.{n}")).await })
            })
            .collect();
        let mut taken = 0;
        for racer in racers {
            let answer = racer.await.unwrap();
            let errors = answer.data()["bindPhoneNumber"]["userErrors"].as_array().unwrap().clone();
            taken += usize::from(errors.iter().any(|error| error["code"] == "PHONE_TAKEN"));
        }
        let owners = db_users(&app).await.into_iter().filter(|user| user.phone_index.is_some()).count();
        assert_eq!((taken, owners), (49, 1));
    }

    async fn unbound_number_can_be_bound_by_another_user(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        bind(&alice.client, NUMBER).await.data();
        for _ in 0..2 {
            let unbound = unbind(&alice.client).await;
            assert_eq!(
                unbound.data()["unbindPhoneNumber"],
                json!({ "user": { "phoneNumber": null }, "userErrors": [] })
            );
        }
        assert_eq!(number(&alice.client).await, Value::Null);
        bind(&bob.client, &format!("{NUMBER}.bob")).await.data();
        assert_eq!(number(&bob.client).await, "+8613800000000");
    }

    async fn new_number_replaces_the_old_one(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        for (code, expected) in
            [(NUMBER, "+8613800000000"), (OTHER, "+8613900000000"), ("852-51234567", "+85251234567")]
        {
            bind(&alice.client, code).await.data();
            assert_eq!(number(&alice.client).await, expected);
        }
        bind(&bob.client, &format!("{NUMBER}.bob")).await.data();
        assert_eq!(number(&bob.client).await, "+8613800000000");
    }

    async fn number_reaches_another_node_with_the_session_cached(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let alice = app.log_in("alice").await;
        let elsewhere = other.with_token(&alice.token);
        for _ in 0..20 {
            number(&elsewhere).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bind(&alice.client, NUMBER).await.data();
        assert_eq!(number(&alice.client).await, "+8613800000000");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(number(&elsewhere).await, "+8613800000000");
    }

    async fn number_is_unique_under_every_key_and_is_resealed_with_the_newest(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        bind(&alice.client, NUMBER).await.data();
        let rotated = app.another_node_with(NEW_FIRST).await;
        let bob = rotated.with_token(&bob.token);
        assert_eq!(error(&bind(&bob, &format!("{NUMBER}.bob")).await), "PHONE_TAKEN");
        let resealed = rotated.accounts.reseal(|_| ()).await.unwrap();
        assert_eq!(resealed, Resealed { identities: 2, phones: 1, ..Resealed::default() });
        assert_eq!(rotated.accounts.reseal(|_| ()).await.unwrap(), Resealed::default());
        assert_eq!(number(&rotated.with_token(&alice.token)).await, "+8613800000000");
        assert_eq!(error(&bind(&bob, &format!("{NUMBER}.bob2")).await), "PHONE_TAKEN");
        let after = app.another_node_with(NEW_ONLY).await;
        let alice = after.log_in("alice.new").await;
        assert_eq!(number(&alice.client).await, "+8613800000000");
    }
}

on_any_database! {
    async fn refused_code_is_a_user_error(app: TestApp) {
        let alice = app.log_in("alice").await;
        for errcode in [40029, 40163, 40003, 40013] {
            let code = format!("bad.{errcode}");
            app.wechat.reply(&code, Reply::errcode(errcode));
            assert_eq!(error(&bind(&alice.client, &code).await), "INVALID_PHONE_CODE", "{errcode}");
        }
        for invalid in ["", "a b", &"x".repeat(513)] {
            assert_eq!(error(&bind(&alice.client, invalid).await), "INVALID_PHONE_CODE");
        }
        assert_eq!(app.anonymous().get("/readyz").await.body["wechat"], json!({}));
    }

    async fn outage_is_an_error_of_the_request(app: TestApp) {
        let alice = app.log_in("alice").await;
        for (code, reply, expected) in [
            ("busy", Reply::errcode(-1), "PROVIDER_UNAVAILABLE"),
            ("slow", Reply::errcode(45011), "RATE_LIMITED"),
            ("html", Reply::Raw(200, "text/html", "<html>".to_owned()), "PROVIDER_UNAVAILABLE"),
            ("secret", Reply::errcode(48001), "PROVIDER_MISCONFIGURED"),
            ("other", Reply::phone(NUMBER, "wx2"), "PROVIDER_UNAVAILABLE"),
            ("none", Reply::phone("86-1", "wx1"), "PROVIDER_UNAVAILABLE"),
        ] {
            app.wechat.reply(code, reply);
            assert_eq!(bind(&alice.client, code).await.code(), expected, "{code}");
        }
        assert_eq!(number(&alice.client).await, Value::Null);
        app.wechat.reply(TOKEN, Reply::errcode(-1));
        let second = app.another_node().await;
        app.clock.advance(Duration::from_hours(2));
        let alice = second.log_in("alice.later").await;
        assert_eq!(bind(&alice.client, NUMBER).await.code(), "PROVIDER_UNAVAILABLE");
    }

    async fn concurrent_binds_send_a_code_once(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.wechat.reply("tap", Reply::After(Duration::from_millis(200), Box::new(Reply::phone(NUMBER, "wx1"))));
        let binds: Vec<_> = (0..10)
            .map(|_| {
                let client = alice.client.clone();
                tokio::spawn(async move { bind(&client, "tap").await })
            })
            .collect();
        for bind in binds {
            assert_eq!(bind.await.unwrap().data()["bindPhoneNumber"]["user"]["phoneNumber"], "+8613800000000");
        }
        assert_eq!(app.wechat.phone_code_sent("tap"), 1);
    }

    async fn number_is_requested_for_the_mini_program_of_the_session(app: TestApp) {
        let login = app.anonymous().login_with(json!({ "code": "alice", "appId": "wx2" })).await;
        let client = app.with_token(login.data()["login"]["token"].as_str().unwrap());
        bind(&client, NUMBER).await.data();
        assert!(app.wechat.calls_of(PHONE)[0]["access_token"].starts_with("TheToken.wx2."));
    }
}

async fn bind(client: &Client, code: &str) -> ApiResponse {
    let query = "mutation($code: String!) { bindPhoneNumber(code: $code) {
        user { phoneNumber } userErrors { code message field } } }";
    client.graphql(query, json!({ "code": code })).await
}

async fn unbind(client: &Client) -> ApiResponse {
    let query = "mutation { unbindPhoneNumber { user { phoneNumber } userErrors { code } } }";
    client.graphql(query, json!({})).await
}

#[track_caller]
fn error(answer: &ApiResponse) -> &str {
    let payload = &answer.data()["bindPhoneNumber"];
    assert_eq!((&payload["user"], &payload["userErrors"][0]["field"]), (&Value::Null, &json!(["code"])), "{payload}");
    payload["userErrors"][0]["code"].as_str().unwrap()
}

async fn number(client: &Client) -> Value {
    client.graphql("{ me { phoneNumber } }", json!({})).await.data()["me"]["phoneNumber"].clone()
}

async fn db_users(app: &TestApp) -> Vec<user::Model> {
    let db = app.db().await;
    let users = user::Entity::find().all(&db).await.unwrap();
    db.close().await.unwrap();
    users
}

async fn db_user(app: &TestApp, user: &crate::harness::TestUser) -> user::Model {
    db_users(app).await.into_iter().find(|row| row.id == user_key(user)).unwrap()
}
