//! Logging in, over GraphQL and over REST: which mini program, which user, which session, and what is refused before
//! WeChat is asked.

use std::time::Duration;

use axum::http::{Request, StatusCode, header};
use entity::{OpenId, session, user};
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::harness::{Answer, Reply, TestApp};

on_each_database! {
    async fn a_first_login_makes_a_user_and_the_next_finds_them(app: TestApp) {
        let first = app.log_in("alice.1").await;
        let second = app.log_in("alice.2").await;
        assert_eq!(first.login["isNewUser"], json!(true));
        assert_eq!(second.login["isNewUser"], json!(false));
        assert_eq!(first.user_id, second.user_id);
        assert_ne!(first.session_id, second.session_id);
        assert_eq!(second.client.me().await.data()["me"]["id"], json!(first.user_id));
    }

    async fn two_hundred_first_logins_of_one_person_make_one_user(app: TestApp) {
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
        let sessions = users[0].client.graphql("{ me { sessions(first: 100) { totalCount } } }", json!({})).await;
        let survivors = sessions.body.pointer("/data/me/sessions/totalCount");
        // the caller's own session may be among those the cap has ended
        assert!(survivors.is_none() || survivors == Some(&json!(20)), "{}", sessions.body);
    }

    async fn openids_that_differ_only_by_case_are_two_people(app: TestApp) {
        app.wechat.reply("lower", Reply::user("oabc"));
        app.wechat.reply("upper", Reply::user("oABC"));
        assert_ne!(app.log_in("lower").await.user_id, app.log_in("upper").await.user_id);
    }

    async fn one_openid_under_two_mini_programs_is_two_people(app: TestApp) {
        let first = app.log_in("alice.1").await;
        let second = app.anonymous().login_with(json!({ "code": "alice.2", "appId": "wx2" })).await;
        assert_eq!(second.data()["login"]["isNewUser"], json!(true));
        assert_ne!(second.data()["login"]["user"]["id"], json!(first.user_id));
    }

    async fn a_suspended_user_is_refused_and_gets_no_session(app: TestApp) {
        app.log_in("alice.1").await;
        db_suspend(&app, "o_alice").await;
        let refused = app.anonymous().login("alice.2").await;
        assert_eq!((refused.code(), &refused.error()["action"]), ("ACCOUNT_SUSPENDED", &json!("GIVE_UP")));
        assert_eq!(db_sessions(&app).await, 1);
    }

    async fn a_suspended_user_gets_no_session_through_another_mini_program_either(app: TestApp) {
        app.wechat.reply("alice.1", Reply::user("o_alice").with("unionid", "u_alice"));
        app.wechat.reply("alice.2", Reply::user("o_alice2").with("unionid", "u_alice"));
        app.log_in("alice.1").await;
        db_suspend(&app, "o_alice").await;
        let refused = app.anonymous().login_with(json!({ "code": "alice.2", "appId": "wx2" })).await;
        assert_eq!(refused.code(), "ACCOUNT_SUSPENDED");
        assert_eq!(db_sessions(&app).await, 1);
    }

    async fn a_device_that_logs_in_again_replaces_its_session_and_no_other(app: TestApp) {
        let device = |id: &str| json!({ "id": id, "name": "爱丽丝的手机 📱" });
        let phone = log_in_from(&app, "alice.1", device("phone")).await;
        let tablet = log_in_from(&app, "alice.2", device("tablet")).await;
        let unnamed = log_in_from(&app, "alice.3", device("")).await;
        let stranger = log_in_from(&app, "bob", device("phone")).await;
        log_in_from(&app, "alice.4", device("phone")).await;
        log_in_from(&app, "alice.5", device("")).await;
        assert_eq!(ended_with(&app, &phone).await, "REPLACED");
        for alive in [&tablet, &unnamed, &stranger] {
            app.with_token(alive["token"].as_str().unwrap()).me().await.data();
        }
        assert_eq!(phone["session"]["deviceName"], json!("爱丽丝的手机 📱"));
    }

    async fn a_device_may_have_the_longest_of_names(app: TestApp) {
        let longest = "📱".repeat(64);
        let login = log_in_from(&app, "alice", json!({ "id": longest, "name": longest })).await;
        assert_eq!(login["session"]["deviceName"], json!(longest));
    }

    async fn one_session_too_many_ends_the_oldest(app: TestApp) {
        let mut sessions = Vec::new();
        for n in 0..21 {
            app.clock.advance(Duration::from_secs(1));
            sessions.push(app.log_in(&format!("alice.{n}")).await);
        }
        assert_eq!(ended_with(&app, &sessions[0].login).await, "EVICTED");
        for alive in &sessions[1..] {
            alive.client.me().await.data();
        }
    }

    async fn thirty_logins_at_once_leave_twenty_sessions(app: TestApp) {
        app.log_in("alice.first").await;
        app.clock.advance(Duration::from_secs(1));
        let logins = (0..30).map(|n| {
            let app = app.clone();
            tokio::spawn(async move { app.log_in(&format!("alice.{n}")).await })
        });
        let (mut alive, mut clients) = (0, Vec::new());
        for login in logins.collect::<Vec<_>>() {
            clients.push(login.await.unwrap().client);
        }
        for client in clients {
            alive += usize::from(client.me().await.body.get("errors").is_none());
        }
        assert_eq!(alive, 20);
    }
}

on_any_database! {
    async fn each_mini_program_is_asked_for_with_its_own_secret(app: TestApp) {
        for (app_id, asked) in [(None, "wx1"), (Some(""), "wx1"), (Some("wx1"), "wx1"), (Some("wx2"), "wx2")] {
            let code = format!("alice.{}", app_id.unwrap_or("none"));
            app.anonymous().login_with(json!({ "code": code, "appId": app_id })).await.data();
            let sent = app.wechat.sent().pop().unwrap();
            assert_eq!((sent["js_code"].as_str(), sent["appid"].as_str()), (code.as_str(), asked));
            assert_eq!(sent["secret"], format!("secret-of-{asked}"));
        }
    }

    async fn an_unknown_mini_program_is_refused_and_nothing_sent(app: TestApp) {
        for app_id in ["wx9", "WX1", "wx1 ", " ", "wx1\u{0}", "wx1&secret=x"] {
            let refused = app.anonymous().login_with(json!({ "code": "alice", "appId": app_id })).await;
            assert_eq!((refused.code(), &refused.error()["action"]), ("UNKNOWN_APP", &json!("FIX")), "{app_id}");
        }
        assert_eq!(app.wechat.sent(), []);
    }

    async fn a_bad_token_never_stands_in_the_way(app: TestApp) {
        let (old, ended) = (app.log_in("alice.1").await, app.log_in("alice.2").await);
        ended.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        app.clock.advance(Duration::from_hours(3));
        assert_eq!(old.client.me().await.error()["reason"], json!("EXPIRED"));
        for (n, token) in ["", "garbage", "a.b.c", &old.token, &ended.token, &old.refresh_token].iter().enumerate() {
            app.with_token(token).login(&format!("alice.again{n}")).await.data();
        }
        app.anonymous().header("authorization", "Basic YTpi").login("alice.basic").await.data();
    }

    async fn an_odd_code_is_refused_and_nothing_sent(app: TestApp) {
        let long = "a".repeat(10 * 1024);
        for code in ["", " ", "a b", "x&appid=y", "x%26appid=y", "x#y", "a\u{0}b", "a\r\nb", "登录", "ａ", &long] {
            let refused = app.anonymous().login(code).await;
            assert_eq!((refused.code(), &refused.error()["action"]), ("INVALID_CODE", &json!("RELOGIN")), "{code}");
            assert_eq!(rest(&app, json!({ "code": code })).await.code(), "INVALID_CODE", "{code}");
        }
        assert_eq!(app.wechat.sent(), []);
    }

    async fn a_code_of_urls_signs_arrives_as_it_is(app: TestApp) {
        app.log_in("a-_.~:=+/|@").await;
        assert_eq!(app.wechat.times_sent("a-_.~:=+/|@"), 1);
    }

    async fn an_odd_device_is_refused_and_nothing_sent(app: TestApp) {
        for odd in ["x".repeat(65), "a\u{0}".to_owned(), "a\nb".to_owned()] {
            for device in [json!({ "id": odd }), json!({ "name": odd })] {
                let refused = app.anonymous().login_with(json!({ "code": "alice", "device": device })).await;
                assert_eq!(refused.code(), "BAD_USER_INPUT", "{device}");
            }
        }
        assert_eq!(app.wechat.sent(), []);
    }

    async fn rest_logs_in_like_graphql(app: TestApp) {
        let user = app.log_in("alice.1").await;
        let answer = rest(&app, json!({ "code": "alice.2" })).await;
        assert_eq!(answer.status, StatusCode::OK);
        let mut names: Vec<_> = answer.body.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["expiresAt", "isNewUser", "refreshToken", "token", "user"]);
        assert_eq!(answer.body["user"], json!({ "id": user.user_id, "nickname": null, "avatarUrl": null }));
        assert_eq!((&answer.body["isNewUser"], &answer.body["expiresAt"]), (&json!(false), &user.login["expiresAt"]));
        let me = app.with_token(answer.body["token"].as_str().unwrap()).me().await;
        assert_eq!(me.data()["me"]["id"], json!(user.user_id));
        app.anonymous().refresh(answer.body["refreshToken"].as_str().unwrap()).await.data();
    }

    async fn rest_names_the_mini_program_by_appid(app: TestApp) {
        for (app_id, asked) in [(json!(null), "wx1"), (json!(""), "wx1"), (json!("wx1"), "wx1"), (json!("wx2"), "wx2")] {
            let answer = rest(&app, json!({ "code": format!("alice.{app_id}").replace('"', ""), "AppID": app_id })).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert_eq!(app.wechat.sent().pop().unwrap()["appid"], asked);
        }
        let refused = rest(&app, json!({ "code": "bob", "AppID": "wx9" })).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "UNKNOWN_APP"));
        assert_eq!(app.wechat.times_sent("bob"), 0);
    }

    async fn rest_refuses_a_body_without_a_code(app: TestApp) {
        let bodies = [json!({}), json!({ "code": null }), json!({ "code": 5 }), json!({ "code": ["alice"] }),
            json!({ "Code": "alice" }), json!({ "code": "alice", "AppID": 1 })];
        for body in bodies {
            let refused = rest(&app, body.clone()).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{body}");
        }
        assert_eq!(app.wechat.sent(), []);
    }

    async fn rest_refuses_what_is_no_request(app: TestApp) {
        let send = |kind: &'static str, body: &'static str| {
            let client = app.anonymous();
            async move { client.send(Request::post("/api/login").header(header::CONTENT_TYPE, kind), body).await }
        };
        for body in ["", "{", "null", "5", "[]", "code=alice", "[{\"code\":\"alice\"}]"] {
            let refused = send("application/json", body).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST"), "{body}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json5", ""] {
            let refused = send(kind, "{\"code\":\"alice\"}").await;
            let expected = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE");
            assert_eq!((refused.status, refused.code()), expected, "{kind}");
        }
        let refused = app.anonymous().get("/api/login?code=alice").await;
        assert_eq!((refused.status, refused.code()), (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
        assert_eq!(refused.headers[header::ALLOW], "POST");
        let refused = rest(&app, json!({ "code": "alice", "more": "x".repeat(64 * 1024) })).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"));
        assert_eq!(app.wechat.sent(), []);
    }

    async fn rest_tells_an_error_as_graphql_does(app: TestApp) {
        app.wechat.reply("bad", Reply::errcode(40029));
        app.wechat.reply("often", Reply::errcode(45011));
        let refused = rest(&app, json!({ "code": "bad" })).await;
        let id = refused.headers["x-request-id"].to_str().unwrap();
        let message = "The login code is invalid or has expired.";
        let expected = json!({ "code": "INVALID_CODE", "action": "RELOGIN", "message": message, "requestId": id });
        assert_eq!((refused.status, &refused.body), (StatusCode::UNAUTHORIZED, &json!({ "error": expected })));
        let refused = rest(&app, json!({ "code": "often" })).await;
        assert_eq!((refused.status, &refused.error()["retryAfter"]), (StatusCode::TOO_MANY_REQUESTS, &json!(60)));
        assert_eq!(refused.headers[header::RETRY_AFTER], "60");
    }

    async fn errors_are_told_in_chinese_to_who_prefers_it(app: TestApp) {
        let client = app.anonymous().header("accept-language", "zh-CN,zh;q=0.9,en;q=0.8");
        assert_eq!(client.login("").await.message(), "登录凭证无效或已过期。");
        let refused = client.post("/api/login", &json!({ "code": "" })).await;
        assert_eq!(refused.message(), "登录凭证无效或已过期。");
        assert_eq!(app.anonymous().login("").await.message(), "The login code is invalid or has expired.");
    }
}

async fn rest(app: &TestApp, body: Value) -> Answer {
    app.anonymous().post("/api/login", &body).await
}

async fn log_in_from(app: &TestApp, code: &str, device: Value) -> Value {
    app.anonymous().login_with(json!({ "code": code, "device": device })).await.data()["login"].clone()
}

/// Why the session of a login has ended, as its own client is told.
async fn ended_with(app: &TestApp, login: &Value) -> String {
    let refused = app.with_token(login["token"].as_str().unwrap()).me().await;
    assert_eq!(refused.code(), "UNAUTHENTICATED");
    refused.error()["reason"].as_str().unwrap().to_owned()
}

/// Closes the account of somebody who logged in through the first mini program.
async fn db_suspend(app: &TestApp, openid: &str) {
    let found = app.accounts.store.identity_by_openid("wx1", &OpenId(openid.to_owned())).await.unwrap();
    let db = app.db().await;
    let update = user::Entity::update_many()
        .col_expr(user::Column::Status, Expr::value(user::Status::Suspended.to_value()))
        .filter(user::Column::Id.eq(found.unwrap().1.id));
    assert_eq!(update.exec(&db).await.unwrap().rows_affected, 1);
    db.close().await.unwrap();
}

/// How many sessions there are, ended or not.
async fn db_sessions(app: &TestApp) -> u64 {
    let db = app.db().await;
    let count = session::Entity::find().count(&db).await.unwrap();
    db.close().await.unwrap();
    count
}
