//! Logins with a telephone number, and logins that must not create an account.

use std::time::Duration;

use axum::http::StatusCode;
use entity::{identity, user};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Reply, TOKEN, TestApp};

const NUMBER: &str = "86-13800000000";

on_each_database! {
    async fn number_sent_with_a_login_is_bound(app: TestApp) {
        let login = log_in(&app, json!({ "code": "alice", "phoneCode": NUMBER })).await;
        assert_eq!(login.data()["login"]["user"]["phoneNumber"], "+8613800000000");
        assert_eq!(login.data()["login"]["userErrors"], json!([]));
        let repeat = log_in(&app, json!({ "code": "alice", "phoneCode": NUMBER })).await;
        assert_eq!(repeat.data(), login.data());
        assert_eq!(app.wechat.phone_code_sent(NUMBER), 1);
    }

    async fn login_succeeds_even_if_the_number_is_not_bound(app: TestApp) {
        log_in(&app, json!({ "code": "owner", "phoneCode": NUMBER })).await.data();
        for (code, reply, expected) in [
            ("used", Reply::errcode(40029), "INVALID_PHONE_CODE"),
            ("taken", Reply::phone(NUMBER, "wx1"), "PHONE_TAKEN"),
            ("busy", Reply::errcode(-1), "PHONE_UNAVAILABLE"),
            ("often", Reply::errcode(45011), "PHONE_UNAVAILABLE"),
            ("invalid code", Reply::Hang, "INVALID_PHONE_CODE"),
        ] {
            app.wechat.reply(code, reply);
            let login =
                log_in(&app, json!({ "code": format!("alice.{expected}.{}", code.len()), "phoneCode": code })).await;
            let payload = &login.data()["login"];
            assert_eq!(payload["userErrors"][0]["code"], expected, "{code}");
            assert_eq!(payload["userErrors"][0]["field"], json!(["phoneCode"]));
            app.with_token(payload["token"].as_str().unwrap()).me().await.data();
        }
        app.wechat.reply("rest", Reply::errcode(40163));
        let classic = app.anonymous().post("/api/login", &json!({ "code": "alice.rest", "phoneCode": "rest" })).await;
        assert_eq!(
            (classic.status, &classic.body["userErrors"][0]["code"]),
            (StatusCode::OK, &json!("INVALID_PHONE_CODE"))
        );
        let classic =
            app.anonymous().post("/api/login", &json!({ "code": "bob", "phoneCode": "86-13900000000" })).await;
        assert_eq!((classic.status, &classic.body["userErrors"]), (StatusCode::OK, &json!([])));
    }

    async fn concurrent_logins_send_both_codes_once(app: TestApp) {
        let nodes = [app.clone(), app.another_node().await];
        app.wechat.reply("tap", Reply::After(Duration::from_millis(200), Box::new(Reply::phone(NUMBER, "wx1"))));
        let logins: Vec<_> = (0..10)
            .map(|n| {
                let app = nodes[n % 2].clone();
                tokio::spawn(async move { log_in(&app, json!({ "code": "alice", "phoneCode": "tap" })).await })
            })
            .collect();
        for login in logins {
            assert_eq!(login.await.unwrap().data()["login"]["userErrors"], json!([]));
        }
        assert_eq!((app.wechat.times_sent("alice"), app.wechat.phone_code_sent("tap")), (1, 1));
    }

    async fn login_without_account_creation_creates_none(app: TestApp) {
        let refused = log_in(&app, json!({ "code": "alice", "createUser": false })).await;
        assert_eq!((refused.code(), &refused.error()["action"]), ("ACCOUNT_NOT_FOUND", &json!("GIVE_UP")));
        let classic = app.anonymous().post("/api/login", &json!({ "code": "bob", "createUser": false })).await;
        assert_eq!((classic.status, classic.code()), (StatusCode::NOT_FOUND, "ACCOUNT_NOT_FOUND"));
        assert_eq!(db_counts(&app).await, (0, 0));
        log_in(&app, json!({ "code": "alice.2" })).await.data();
        log_in(&app, json!({ "code": "alice.3", "createUser": false })).await.data();
        assert_eq!(db_counts(&app).await, (1, 1));
    }

    async fn login_without_account_creation_finds_an_account_by_unionid(app: TestApp) {
        for code in ["alice.1", "alice.2"] {
            app.wechat.reply(code, Reply::user("o_alice").with("unionid", "u_alice"));
        }
        let first = log_in(&app, json!({ "code": "alice.1" })).await;
        let second = log_in(&app, json!({ "code": "alice.2", "appId": "wx2", "createUser": false })).await;
        assert_eq!(first.data()["login"]["user"]["id"], second.data()["login"]["user"]["id"]);
        assert_eq!(db_counts(&app).await, (1, 2));
    }

    async fn first_login_joins_the_account_with_its_number_if_enabled(
        app: TestApp,
        [("PHONE_JOINS_ACCOUNTS", "true")]
    ) {
        let first = log_in(&app, json!({ "code": "alice", "phoneCode": NUMBER })).await;
        let elsewhere = format!("{NUMBER}.2");
        app.wechat.reply(&elsewhere, Reply::phone(NUMBER, "wx2"));
        for (code, create) in [("alice", true), ("alice.2", false)] {
            let login =
                log_in(&app, json!({ "code": code, "appId": "wx2", "phoneCode": elsewhere, "createUser": create }))
                    .await;
            let login = &login.data()["login"];
            assert_eq!(
                (&login["user"]["id"], &login["isNewUser"]),
                (&first.data()["login"]["user"]["id"], &json!(false))
            );
            assert_eq!((&login["userErrors"], &login["user"]["phoneNumber"]), (&json!([]), &json!("+8613800000000")));
        }
        assert_eq!((db_counts(&app).await, app.wechat.phone_code_sent(&elsewhere)), ((1, 2), 1));
        let other = log_in(&app, json!({ "code": "bob", "phoneCode": "86-13900000000" })).await;
        assert_eq!(other.data()["login"]["isNewUser"], true);
        let unknown =
            log_in(&app, json!({ "code": "carol", "phoneCode": "86-13700000000", "createUser": false })).await;
        assert_eq!((unknown.code(), db_counts(&app).await), ("ACCOUNT_NOT_FOUND", (2, 3)));
    }
}

on_any_database! {
    async fn number_joins_no_account_by_default(app: TestApp) {
        log_in(&app, json!({ "code": "alice", "phoneCode": NUMBER })).await.data();
        let other = log_in(&app, json!({ "code": "bob", "phoneCode": format!("{NUMBER}.bob") })).await;
        let other = &other.data()["login"];
        assert_eq!((&other["isNewUser"], &other["userErrors"][0]["code"]), (&json!(true), &json!("PHONE_TAKEN")));
    }

    async fn login_with_a_number_succeeds_without_an_access_token(app: TestApp, [("PHONE_JOINS_ACCOUNTS", "true")]) {
        app.wechat.reply(TOKEN, Reply::errcode(-1));
        let login = log_in(&app, json!({ "code": "alice", "phoneCode": NUMBER })).await;
        assert_eq!(login.data()["login"]["userErrors"][0]["code"], "PHONE_UNAVAILABLE");
        // an account with this number may exist, which is unknown without the number
        let refused = log_in(&app, json!({ "code": "bob", "phoneCode": NUMBER, "createUser": false })).await;
        assert_eq!((refused.code(), db_counts(&app).await), ("PROVIDER_UNAVAILABLE", (1, 1)));
    }

    async fn repeated_login_gets_the_outcome_of_its_phone_code(app: TestApp) {
        app.wechat.reply("used", Reply::errcode(40029));
        for _ in 0..2 {
            let login = log_in(&app, json!({ "code": "alice", "phoneCode": "used" })).await;
            assert_eq!(login.data()["login"]["userErrors"][0]["code"], "INVALID_PHONE_CODE");
        }
        assert_eq!(app.wechat.phone_code_sent("used"), 1);
        // another node may have sent the code with an unknown outcome, and the user receives that
        let first = log_in(&app, json!({ "code": "bob" })).await;
        let repeat = log_in(&app, json!({ "code": "bob", "phoneCode": NUMBER })).await;
        assert_eq!(repeat.data()["login"]["token"], first.data()["login"]["token"]);
        assert_eq!(repeat.data()["login"]["userErrors"][0]["code"], "PHONE_UNAVAILABLE");
        assert_eq!(app.wechat.phone_code_sent(NUMBER), 0);
    }

    async fn failed_phone_code_is_sent_once(app: TestApp, [("PHONE_JOINS_ACCOUNTS", "true")]) {
        app.wechat.reply("often", Reply::errcode(45011));
        let login = log_in(&app, json!({ "code": "alice", "phoneCode": "often" })).await;
        assert_eq!(login.data()["login"]["userErrors"][0]["code"], "PHONE_UNAVAILABLE");
        assert_eq!(app.wechat.phone_code_sent("often"), 1);
    }

    async fn empty_phone_code_counts_as_missing(app: TestApp) {
        let login = log_in(&app, json!({ "code": "alice", "phoneCode": "" })).await;
        assert_eq!(login.data()["login"]["userErrors"], json!([]));
        let refused = app.anonymous().post("/api/login", &json!({ "code": "bob", "createUser": "no" })).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT");
    }
}

async fn log_in(app: &TestApp, arguments: Value) -> ApiResponse {
    let query = "mutation($code: String!, $appId: String, $phoneCode: String, $createUser: Boolean! = true) {
        login(code: $code, appId: $appId, phoneCode: $phoneCode, createUser: $createUser) {
            token isNewUser user { id phoneNumber } session { id } userErrors { code message field } } }";
    app.anonymous().graphql(query, arguments).await
}

/// The numbers of users and identities.
async fn db_counts(app: &TestApp) -> (u64, u64) {
    let db = app.db().await;
    let counts = (user::Entity::find().count(&db).await.unwrap(), identity::Entity::find().count(&db).await.unwrap());
    db.close().await.unwrap();
    counts
}
