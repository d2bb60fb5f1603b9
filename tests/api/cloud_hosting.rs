//! Logins in WeChat cloud hosting: whom the headers name, when they are trusted, and what the login stores.

use entity::identity;
use sea_orm::EntityTrait;
use serde_json::json;

use crate::harness::{Client, TestApp};

/// A client of cloud hosting.
fn hosted(app: &TestApp, headers: &[(&'static str, &str)]) -> Client {
    let source = app.anonymous().header("x-wx-source", "wx_client");
    headers.iter().fold(source, |client, (name, value)| client.header(name, *value))
}

const ALICE: [(&str, &str); 2] = [("x-wx-appid", "wx1"), ("x-wx-openid", "o_alice")];

on_each_database! {
    async fn headers_log_in_the_user_they_name(app: TestApp, [("CLOUD_HOSTING", "true")]) {
        let by_code = app.log_in("alice").await;
        let answer = hosted(&app, &ALICE).login("").await;
        let login = &answer.data()["login"];
        assert_eq!((&login["user"]["id"], &login["isNewUser"]), (&json!(by_code.user_id), &json!(false)));
        let me = app.with_token(login["token"].as_str().unwrap()).me().await;
        assert_eq!(me.data()["me"]["id"], json!(by_code.user_id));
        assert!(app.wechat.sent().len() == 1, "WeChat was called");
    }

    async fn header_login_keeps_the_session_key_of_a_code_login(app: TestApp, [("CLOUD_HOSTING", "true")]) {
        let keys = async || {
            let rows = identity::Entity::find().all(&app.db().await).await.unwrap();
            assert_eq!(rows.len(), 1);
            let row = rows.into_iter().next().unwrap();
            let key = app.keys.open(&["session_key", &row.app_id, &row.openid.0], &row.session_key).unwrap();
            String::from_utf8(secrecy::ExposeSecret::expose_secret(&key).to_vec()).unwrap()
        };
        hosted(&app, &ALICE).login("").await.data();
        assert_eq!(keys().await, "", "a header login has no session key");
        app.log_in("alice").await;
        let from_code = keys().await;
        assert!(!from_code.is_empty());
        hosted(&app, &ALICE).login("").await.data();
        assert_eq!(keys().await, from_code);
    }

    async fn unionid_joins_the_accounts_of_one_person(app: TestApp, [("CLOUD_HOSTING", "true")]) {
        let with =
            |app_id, openid| hosted(&app, &[("x-wx-appid", app_id), ("x-wx-openid", openid), ("x-wx-unionid", "u_1")]);
        let one = with("wx1", "o_1").login("").await.data()["login"].clone();
        let other = with("wx2", "o_2").login("").await.data()["login"].clone();
        assert_eq!(
            (&one["isNewUser"], &other["isNewUser"], &one["user"]["id"]),
            (&json!(true), &json!(false), &other["user"]["id"])
        );
    }
}

on_any_database! {
    async fn resource_sharing_logs_in_the_caller_and_not_the_owner(app: TestApp, [("CLOUD_HOSTING", "true")]) {
        let bob =
            app.anonymous().login_with(json!({ "code": "bob", "appId": "wx2" })).await.data()["login"]["user"]["id"]
                .clone();
        let shared = [&ALICE[..], &[("x-wx-from-appid", "wx2"), ("x-wx-from-openid", "o_bob")]].concat();
        assert_eq!(hosted(&app, &shared).login("").await.data()["login"]["user"]["id"], bob);
        let incomplete = [&ALICE[..], &[("x-wx-from-openid", "o_bob")]].concat();
        assert_eq!(hosted(&app, &incomplete).login("").await.code(), "BAD_USER_INPUT");
    }

    async fn rest_login_accepts_the_headers(app: TestApp, [("CLOUD_HOSTING", "true")]) {
        let alice = app.log_in("alice").await;
        for body in [json!({}), json!({ "code": "" }), json!({ "code": null, "device": { "id": "d" } })] {
            let answer = hosted(&app, &ALICE).post("/api/login", &body).await;
            assert_eq!(answer.body["user"]["id"], json!(alice.user_id), "{}", answer.text);
        }
        assert_eq!(app.anonymous().post("/api/login", &json!({})).await.code(), "BAD_USER_INPUT");
    }

    async fn headers_are_ignored_by_default(app: TestApp) {
        assert_eq!(hosted(&app, &ALICE).login("").await.code(), "INVALID_CODE");
        assert_eq!(hosted(&app, &ALICE).post("/api/login", &json!({})).await.code(), "BAD_USER_INPUT");
        assert_eq!(identity::Entity::find().all(&app.db().await).await.unwrap().len(), 0);
    }

    async fn code_has_precedence_over_the_headers(app: TestApp, [("CLOUD_HOSTING", "true")]) {
        let bob = app.log_in("bob").await;
        assert_eq!(hosted(&app, &ALICE).login("bob.again").await.data()["login"]["user"]["id"], json!(bob.user_id));
    }

    async fn invalid_headers_are_refused(app: TestApp, [("CLOUD_HOSTING", "true")]) {
        let long = "o".repeat(65);
        for (invalid, code) in [
            (vec![("x-wx-appid", "wx3"), ("x-wx-openid", "o_alice")], "UNKNOWN_APP"),
            (vec![("x-wx-appid", "wx1")], "BAD_USER_INPUT"),
            (vec![("x-wx-openid", "o_alice")], "BAD_USER_INPUT"),
            (vec![("x-wx-appid", "wx1"), ("x-wx-openid", "o_alice"), ("x-wx-openid", "o_alice")], "BAD_USER_INPUT"),
            (vec![("x-wx-appid", "wx1"), ("x-wx-openid", &long)], "BAD_USER_INPUT"),
            (vec![("x-wx-appid", "wx1"), ("x-wx-openid", "a b")], "BAD_USER_INPUT"),
            (vec![], "INVALID_CODE"),
        ] {
            assert_eq!(hosted(&app, &invalid).login("").await.code(), code, "{invalid:?}");
        }
        let without_source = app.anonymous().header("x-wx-appid", "wx1").header("x-wx-openid", "o_alice");
        assert_eq!(without_source.login("").await.code(), "INVALID_CODE");
    }

    async fn app_id_other_than_that_of_the_headers_is_refused(app: TestApp, [("CLOUD_HOSTING", "true")]) {
        let log_in = async |app_id: &str| hosted(&app, &ALICE).login_with(json!({ "code": "", "appId": app_id })).await;
        assert_eq!(log_in("wx2").await.code(), "BAD_USER_INPUT");
        assert_eq!(log_in("wx9").await.code(), "UNKNOWN_APP");
        for same in ["wx1", ""] {
            log_in(same).await.data();
        }
    }

    async fn header_logins_count_for_the_login_limit(
        app: TestApp,
        [("CLOUD_HOSTING", "true"), ("LOGIN_RATE_LIMIT", "2/h")]
    ) {
        for _ in 0..2 {
            hosted(&app, &ALICE).login("").await.data();
        }
        assert_eq!(hosted(&app, &ALICE).login("").await.code(), "RATE_LIMITED");
    }
}
