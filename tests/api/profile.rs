//! `updateProfile`: each field is set, cleared or left unchanged; what is refused; and when others see it.

use std::time::Duration;

use entity::{feed, user};
use miniaccount::clock::Clock;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::harness::{ApiResponse, Client, TestApp, TestUser, user_key};

const UPDATE: &str = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) {
    user { id nickname locale avatarUrl updatedAt } userErrors { message code field } } }";

const AVATAR: &str = "https://media.example/alice.png";

/// The limit until a change is visible on every node.
const BOUND: Duration = Duration::from_secs(1);

async fn send(client: &Client, input: Value) -> ApiResponse {
    client.graphql(UPDATE, json!({ "input": input })).await
}

/// Updates a profile, and returns the new one.
async fn update(client: &Client, input: Value) -> Value {
    let answer = send(client, input).await;
    let payload = &answer.data()["updateProfile"];
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["user"].clone()
}

/// The code and the last path element of each error.
async fn refusals(client: &Client, input: Value) -> Vec<(String, String)> {
    let answer = send(client, input).await;
    let payload = &answer.data()["updateProfile"];
    assert_eq!(payload["user"], Value::Null);
    let errors = payload["userErrors"].as_array().unwrap();
    let errors = errors.iter().map(|error| {
        assert_eq!((&error["field"][0], error["field"].as_array().unwrap().len()), (&json!("input"), 2));
        assert!(!error["message"].as_str().unwrap().is_empty());
        (error["code"].as_str().unwrap().to_owned(), error["field"][1].as_str().unwrap().to_owned())
    });
    errors.collect()
}

async fn row(app: &TestApp, user: &TestUser) -> user::Model {
    user::Entity::find_by_id(user_key(user)).one(&app.db().await).await.unwrap().unwrap()
}

async fn feed_events(app: &TestApp) -> u64 {
    feed::Entity::find().count(&app.db().await).await.unwrap()
}

on_each_database! {
    async fn each_field_is_set_cleared_or_left_unchanged(app: TestApp) {
        let alice = app.log_in("alice").await;
        let all = json!({ "nickname": "  爱丽丝 ", "locale": "zh-cn", "avatarUrl": AVATAR });
        let user = update(&alice.client, all).await;
        assert_eq!(
            (&user["nickname"], &user["locale"], &user["avatarUrl"]),
            (&json!("爱丽丝"), &json!("zh-CN"), &json!(AVATAR))
        );
        for (field, value, kept) in [
            ("nickname", json!("Alice"), json!("Alice")),
            ("nickname", json!("alice"), json!("alice")),
            ("locale", json!("EN"), json!("en")),
            ("locale", json!("zh_CN"), json!("zh-CN")),
            ("locale", json!("zh_Hant"), json!("zh-Hant")),
            ("avatarUrl", json!("https://Media.example/2"), json!("https://media.example/2")),
            ("nickname", Value::Null, Value::Null),
            ("locale", Value::Null, Value::Null),
            ("avatarUrl", Value::Null, Value::Null),
        ] {
            let before = update(&alice.client, json!({})).await;
            let mut after = update(&alice.client, json!({ field: value })).await;
            assert_eq!(after[field], kept);
            after[field] = before[field].clone();
            assert_eq!(after, before, "{field}");
        }
        let me = alice.client.graphql("{ me { nickname locale avatarUrl } }", json!({})).await;
        assert_eq!(me.data()["me"], json!({ "nickname": null, "locale": null, "avatarUrl": null }));
    }

    async fn omitted_variable_leaves_its_field_unchanged(app: TestApp) {
        let alice = app.log_in("alice").await;
        update(&alice.client, json!({ "nickname": "Alice", "avatarUrl": AVATAR })).await;
        let query = "mutation($n: String, $a: String) { updateProfile(input: { nickname: $n, avatarUrl: $a }) {
            user { nickname avatarUrl } } }";
        let answer = alice.client.graphql(query, json!({ "n": "Bob" })).await;
        assert_eq!(answer.data()["updateProfile"]["user"], json!({ "nickname": "Bob", "avatarUrl": AVATAR }));
        let answer = alice.client.graphql(query, json!({ "n": "Bob", "a": null })).await;
        assert_eq!(answer.data()["updateProfile"]["user"]["avatarUrl"], Value::Null);
    }

    async fn only_a_change_is_written_and_published(app: TestApp) {
        let alice = app.log_in("alice").await;
        let made = row(&app, &alice).await;
        app.clock.advance(Duration::from_secs(5));
        update(&alice.client, json!({})).await;
        update(&alice.client, json!({ "nickname": null })).await;
        assert_eq!((row(&app, &alice).await, feed_events(&app).await), (made.clone(), 0));
        update(&alice.client, json!({ "nickname": "Alice" })).await;
        let changed = row(&app, &alice).await;
        assert_eq!((changed.updated_at, feed_events(&app).await), (app.clock.now(), 1));
        app.clock.advance(Duration::from_secs(5));
        update(&alice.client, json!({ "nickname": " Alice", "locale": null })).await;
        assert_eq!((row(&app, &alice).await, feed_events(&app).await), (changed, 1));
    }

    async fn all_errors_are_reported_together_and_nothing_is_written(app: TestApp) {
        let alice = app.log_in("alice").await;
        update(&alice.client, json!({ "nickname": "Alice" })).await;
        let before = row(&app, &alice).await;
        let wrong = json!({ "nickname": "x".repeat(33), "locale": "zh CN", "avatarUrl": "" });
        let expected = [("TOO_LONG", "nickname"), ("INVALID", "locale"), ("BLANK", "avatarUrl")];
        assert_eq!(
            refusals(&alice.client, wrong).await,
            expected.map(|(code, field)| (code.to_owned(), field.to_owned()))
        );
        // a valid field is not written next to an invalid one
        let half = refusals(&alice.client, json!({ "nickname": "Bob", "avatarUrl": "http://media.example/1" })).await;
        assert_eq!(half, [("INVALID".to_owned(), "avatarUrl".to_owned())]);
        assert_eq!(row(&app, &alice).await, before);
    }

    async fn default_nickname_and_avatar_of_wechat_count_as_missing(app: TestApp) {
        let alice = app.log_in("alice").await;
        update(&alice.client, json!({ "nickname": "Alice", "avatarUrl": AVATAR })).await;
        let grey = "https://thirdwx.qlogo.cn/mmopen/vi_32/\
            POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";
        let user = update(&alice.client, json!({ "nickname": "微信用户", "avatarUrl": grey })).await;
        assert_eq!((&user["nickname"], &user["avatarUrl"]), (&Value::Null, &Value::Null));
    }

    async fn longest_values_fit_every_database(app: TestApp) {
        let alice = app.log_in("alice").await;
        let (name, avatar) = ("👩".repeat(32), format!("https://media.example/{}", "x".repeat(490)));
        let locale = "en-x-abcdefgh-abcdefgh-abcdefgh-abc";
        let user = update(&alice.client, json!({ "nickname": name, "locale": locale, "avatarUrl": avatar })).await;
        assert_eq!(
            (&user["nickname"], &user["locale"], &user["avatarUrl"]),
            (&json!(name), &json!(locale), &json!(avatar))
        );
        assert_eq!((locale.len(), avatar.len()), (35, 512));
    }

    async fn concurrent_updates_leave_one_of_them(app: TestApp) {
        let alice = app.log_in("alice").await;
        let updates = (0..10).map(|n| {
            let client = alice.client.clone();
            tokio::spawn(async move {
                update(&client, json!({ "nickname": format!("{n}"), "locale": format!("en-x-{n}") })).await
            })
        });
        for update in updates.collect::<Vec<_>>() {
            update.await.unwrap();
        }
        let row = row(&app, &alice).await;
        assert_eq!(row.locale.unwrap(), format!("en-x-{}", row.nickname.unwrap()));
        assert_eq!(feed_events(&app).await, 10);
    }

    async fn change_is_visible_on_another_node_within_a_second(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let alice = app.log_in("alice").await;
        let elsewhere = other.with_token(&alice.token);
        for name in ["Alice", "Alicia", "Alina"] {
            elsewhere.me().await.data();
            update(&alice.client, json!({ "nickname": name })).await;
            let (changed, mut seen) = (Instant::now(), Value::Null);
            let me = alice.client.graphql("{ me { nickname } }", json!({})).await;
            assert_eq!(me.data()["me"]["nickname"], name, "the node that made the change uses it immediately");
            while seen != name {
                let began = changed.elapsed();
                seen = elsewhere.graphql("{ me { nickname } }", json!({})).await.data()["me"]["nickname"].clone();
                assert!(seen == name || began < BOUND, "{seen} {began:?} after the change");
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

on_any_database! {
    async fn update_without_a_session_is_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        assert_eq!(send(&app.anonymous(), json!({})).await.refusal(), "MISSING");
        alice.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        assert_eq!(send(&alice.client, json!({ "nickname": "Alice" })).await.refusal(), "LOGGED_OUT");
        assert_eq!(row(&app, &alice).await.nickname, None);
    }

    async fn updates_count_for_the_limit_of_the_user(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "600/min"), ("FILE", "user_rate_limit = \"3/h\"")]
    ) {
        // the first login creates the user, and does not count for the limit
        let alice = app.log_in("alice").await;
        for n in 0..3 {
            send(&alice.client, json!({ "nickname": format!("{n}") })).await.data();
        }
        assert_eq!(send(&alice.client, json!({ "nickname": "4" })).await.code(), "RATE_LIMITED");
    }

    async fn errors_are_in_the_language_of_the_caller(app: TestApp) {
        let alice = app.log_in("alice").await;
        let message = async |client: Client| {
            let answer = send(&client, json!({ "nickname": "" })).await;
            answer.data()["updateProfile"]["userErrors"][0]["message"].clone()
        };
        assert_eq!(message(alice.client.clone()).await, "The nickname is empty.");
        assert_eq!(message(alice.client.clone().header("accept-language", "zh-CN")).await, "昵称不能为空。");
    }
}
