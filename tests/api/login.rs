//! Logging in: which mini program, which user, which session, and what is refused before WeChat is called.

mod rest;
mod sessions;

use std::time::Duration;

use entity::{OpenId, session, user};
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Reply, TestApp};

on_each_database! {
    async fn first_login_creates_a_user_and_the_next_one_finds_it(app: TestApp) {
        let first = app.log_in("alice.1").await;
        let second = app.log_in("alice.2").await;
        assert_eq!(first.login["isNewUser"], json!(true));
        assert_eq!(second.login["isNewUser"], json!(false));
        assert_eq!(first.user_id, second.user_id);
        assert_ne!(first.session_id, second.session_id);
        assert_eq!(second.client.me().await.data()["me"]["id"], json!(first.user_id));
    }

    async fn concurrent_first_logins_of_one_person_create_one_user(app: TestApp) {
        let logins = (0..200).map(|n| {
            let app = app.clone();
            tokio::spawn(async move { app.log_in(&format!("alice.{n}")).await })
        });
        let mut users = Vec::new();
        for login in logins.collect::<Vec<_>>() {
            users.push(login.await.unwrap());
        }
        assert!(users.iter().all(|user| user.user_id == users[0].user_id));
        assert_eq!(users.iter().filter(|user| user.login["isNewUser"] == json!(true)).count(), 1);
        // one more login, whose session is live: the limit has ended all but the newest sessions
        let last = app.log_in("alice.last").await;
        let sessions = last.client.graphql("{ me { sessions(first: 100) { totalCount } } }", json!({})).await;
        assert_eq!(sessions.data()["me"]["sessions"]["totalCount"], json!(20));
    }

    async fn openids_that_differ_only_by_case_are_two_users(app: TestApp) {
        app.wechat.reply("lower", Reply::user("oabc"));
        app.wechat.reply("upper", Reply::user("oABC"));
        assert_ne!(app.log_in("lower").await.user_id, app.log_in("upper").await.user_id);
    }

    async fn one_openid_of_two_mini_programs_is_two_users(app: TestApp) {
        let first = app.log_in("alice.1").await;
        let second = app.anonymous().login_with(json!({ "code": "alice.2", "appId": "wx2" })).await;
        assert_eq!(second.data()["login"]["isNewUser"], json!(true));
        assert_ne!(second.data()["login"]["user"]["id"], json!(first.user_id));
    }

    async fn suspended_user_is_refused_and_gets_no_session(app: TestApp) {
        app.log_in("alice.1").await;
        db_suspend(&app, "o_alice").await;
        let refused = app.anonymous().login("alice.2").await;
        assert_eq!((refused.code(), &refused.error()["action"]), ("ACCOUNT_SUSPENDED", &json!("GIVE_UP")));
        assert_eq!(db_sessions(&app).await, 1);
    }

    async fn suspended_user_is_refused_by_every_mini_program(app: TestApp) {
        app.wechat.reply("alice.1", Reply::user("o_alice").with("unionid", "u_alice"));
        app.wechat.reply("alice.2", Reply::user("o_alice2").with("unionid", "u_alice"));
        app.log_in("alice.1").await;
        db_suspend(&app, "o_alice").await;
        let refused = app.anonymous().login_with(json!({ "code": "alice.2", "appId": "wx2" })).await;
        assert_eq!(refused.code(), "ACCOUNT_SUSPENDED");
        assert_eq!(db_sessions(&app).await, 1);
    }
}

on_any_database! {
    async fn each_mini_program_uses_its_own_secret(app: TestApp) {
        for (app_id, expected) in [(None, "wx1"), (Some(""), "wx1"), (Some("wx1"), "wx1"), (Some("wx2"), "wx2")] {
            let code = format!("alice.{}", app_id.unwrap_or("none"));
            app.anonymous().login_with(json!({ "code": code, "appId": app_id })).await.data();
            let sent = app.wechat.sent().pop().unwrap();
            assert_eq!((sent["js_code"].as_str(), sent["appid"].as_str()), (code.as_str(), expected));
            assert_eq!(sent["secret"], format!("secret-of-{expected}"));
        }
    }

    async fn unknown_mini_program_is_refused_before_wechat_is_called(app: TestApp) {
        for app_id in ["wx9", "WX1", "wx1 ", " ", "wx1\u{0}", "wx1&secret=x"] {
            let refused = app.anonymous().login_with(json!({ "code": "alice", "appId": app_id })).await;
            assert_eq!((refused.code(), &refused.error()["action"]), ("UNKNOWN_APP", &json!("FIX")), "{app_id}");
        }
        assert_eq!(app.wechat.sent(), []);
    }

    async fn invalid_token_does_not_prevent_a_login(app: TestApp) {
        let (old, ended) = (app.log_in("alice.1").await, app.log_in("alice.2").await);
        ended.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        app.clock.advance(Duration::from_hours(3));
        assert_eq!(old.client.me().await.error()["reason"], json!("EXPIRED"));
        for (n, token) in ["", "garbage", "a.b.c", &old.token, &ended.token, &old.refresh_token].iter().enumerate() {
            app.with_token(token).login(&format!("alice.again{n}")).await.data();
        }
        app.anonymous().header("authorization", "Basic YTpi").login("alice.basic").await.data();
    }

    async fn invalid_code_is_refused_before_wechat_is_called(app: TestApp) {
        let long = "a".repeat(10 * 1024);
        for code in ["", " ", "a b", "x&appid=y", "x%26appid=y", "x#y", "a\u{0}b", "a\r\nb", "登录", "ａ", &long] {
            let refused = app.anonymous().login(code).await;
            assert_eq!((refused.code(), &refused.error()["action"]), ("INVALID_CODE", &json!("RELOGIN")), "{code}");
            assert_eq!(rest(&app, json!({ "code": code })).await.code(), "INVALID_CODE", "{code}");
        }
        assert_eq!(app.wechat.sent(), []);
    }

    async fn code_with_url_characters_is_sent_unchanged(app: TestApp) {
        app.log_in("a-_.~:=+/|@").await;
        assert_eq!(app.wechat.times_sent("a-_.~:=+/|@"), 1);
    }

    async fn invalid_device_is_refused_before_wechat_is_called(app: TestApp) {
        for invalid in ["x".repeat(65), "a\u{0}".to_owned(), "a\nb".to_owned()] {
            for device in [json!({ "id": invalid }), json!({ "name": invalid })] {
                let refused = app.anonymous().login_with(json!({ "code": "alice", "device": device })).await;
                assert_eq!(refused.code(), "BAD_USER_INPUT", "{device}");
            }
        }
        assert_eq!(app.wechat.sent(), []);
    }
}

async fn rest(app: &TestApp, body: Value) -> ApiResponse {
    app.anonymous().post("/api/login", &body).await
}

async fn log_in_from(app: &TestApp, code: &str, device: Value) -> Value {
    app.anonymous().login_with(json!({ "code": code, "device": device })).await.data()["login"].clone()
}

/// The reason for the end of a login's session, as its own client receives it.
async fn end_reason(app: &TestApp, login: &Value) -> String {
    let refused = app.with_token(login["token"].as_str().unwrap()).me().await;
    assert_eq!(refused.code(), "UNAUTHENTICATED");
    refused.error()["reason"].as_str().unwrap().to_owned()
}

/// Suspends the account of a user of the first mini program.
async fn db_suspend(app: &TestApp, openid: &str) {
    let found = app.store.identity_by_openid("wx1", &OpenId(openid.to_owned())).await.unwrap();
    let db = app.db().await;
    let update = user::Entity::update_many()
        .col_expr(user::Column::Status, Expr::value(user::Status::Suspended.to_value()))
        .filter(user::Column::Id.eq(found.unwrap().1.id));
    assert_eq!(update.exec(&db).await.unwrap().rows_affected, 1);
    db.close().await.unwrap();
}

/// The number of sessions, ended or not.
async fn db_sessions(app: &TestApp) -> u64 {
    let db = app.db().await;
    let count = session::Entity::find().count(&db).await.unwrap();
    db.close().await.unwrap();
    count
}
