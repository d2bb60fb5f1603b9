//! The login over REST: the same as over GraphQL, with the errors of REST.

use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::{end_reason, rest};
use crate::harness::Reply;

on_any_database! {
    async fn rest_login_matches_graphql(app: TestApp) {
        let user = app.log_in("alice.1").await;
        let answer = rest(&app, json!({ "code": "alice.2" })).await;
        assert_eq!(answer.status, StatusCode::OK);
        let mut names: Vec<_> = answer.body.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["expiresAt", "isNewUser", "refreshToken", "token", "user", "userErrors"]);
        assert_eq!(answer.body["user"], json!({ "id": user.user_id, "nickname": null, "avatarUrl": null }));
        assert_eq!((&answer.body["isNewUser"], &answer.body["expiresAt"]), (&json!(false), &user.login["expiresAt"]));
        let me = app.with_token(answer.body["token"].as_str().unwrap()).me().await;
        assert_eq!(me.data()["me"]["id"], json!(user.user_id));
        app.anonymous().refresh(answer.body["refreshToken"].as_str().unwrap()).await.data();
    }

    async fn rest_selects_the_mini_program_by_appid(app: TestApp) {
        for (app_id, expected) in
            [(json!(null), "wx1"), (json!(""), "wx1"), (json!("wx1"), "wx1"), (json!("wx2"), "wx2")]
        {
            let answer =
                rest(&app, json!({ "code": format!("alice.{app_id}").replace('"', ""), "AppID": app_id })).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert_eq!(app.wechat.sent().pop().unwrap()["appid"], expected);
        }
        let refused = rest(&app, json!({ "code": "bob", "AppID": "wx9" })).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "UNKNOWN_APP"));
        assert_eq!(app.wechat.times_sent("bob"), 0);
    }

    async fn rest_refuses_a_body_without_a_code(app: TestApp) {
        let bodies = [
            json!({}),
            json!({ "code": null }),
            json!({ "code": 5 }),
            json!({ "code": ["alice"] }),
            json!({ "Code": "alice" }),
            json!({ "code": "alice", "AppID": 1 }),
        ];
        for body in bodies {
            let refused = rest(&app, body.clone()).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{body}");
        }
        assert_eq!(app.wechat.sent(), []);
    }

    async fn rest_refuses_invalid_bodies(app: TestApp) {
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

    async fn rest_accepts_every_spelling_of_appid(app: TestApp) {
        for (n, name) in ["AppID", "appId", "appid"].into_iter().enumerate() {
            for (app_id, used) in
                [(json!("wx2"), "wx2"), (json!("wx1"), "wx1"), (json!(""), "wx1"), (Value::Null, "wx1")]
            {
                let code = format!("alice.{n}{app_id}").replace('"', "");
                let answer = rest(&app, json!({ "code": code, name: app_id })).await;
                assert!(answer.body["token"].is_string(), "{}", answer.text);
                assert_eq!(app.wechat.sent().last().unwrap()["appid"], used, "{name} {app_id}");
            }
            let refused = rest(&app, json!({ "code": "alice", name: 1 })).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (400, "BAD_USER_INPUT"));
        }
        let sent = app.wechat.sent().len();
        let same = rest(&app, json!({ "code": "alice.s", "AppID": "wx2", "appid": "wx2", "appId": "" })).await;
        assert!(same.body["token"].is_string(), "{}", same.text);
        for body in [
            json!({ "code": "alice.d", "AppID": "wx1", "appId": "wx2" }),
            json!({ "code": "alice.d", "appId": "wx2", "appid": "wx1", "AppID": "" }),
            json!({ "code": "alice.d", "AppID": "wx2", "appid": "wx9" }),
        ] {
            let refused = rest(&app, body).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (400, "BAD_USER_INPUT"));
            assert!(refused.message().contains("`appid`"), "{}", refused.text);
        }
        assert_eq!(app.wechat.sent().len(), sent + 1);
    }

    async fn rest_login_stores_the_device(app: TestApp) {
        let log_in = async |code: &str, device: Value| rest(&app, json!({ "code": code, "device": device })).await;
        let phone = json!({ "id": "phone", "name": "Alice's phone" });
        let first = log_in("alice.1", phone.clone()).await.body;
        let query = "{ me { sessions { nodes { deviceName } } } }";
        let answer = app.with_token(first["token"].as_str().unwrap()).graphql(query, json!({})).await;
        assert_eq!(answer.data()["me"]["sessions"]["nodes"], json!([{ "deviceName": "Alice's phone" }]));
        for (code, device) in [("alice.2", json!({ "id": "tablet" })), ("alice.3", json!(null)), ("alice.4", json!({}))]
        {
            assert!(log_in(code, device).await.body["token"].is_string());
        }
        app.with_token(first["token"].as_str().unwrap()).me().await.data();
        assert!(log_in("alice.5", phone).await.body["token"].is_string());
        assert_eq!(end_reason(&app, &first).await, "REPLACED");
        for (device, named) in [
            (json!("phone"), "`device`"),
            (json!([]), "`device`"),
            (json!({ "id": 5 }), "`device.id`"),
            (json!({ "id": "x".repeat(65) }), "`device.id`"),
            (json!({ "id": "phone", "Name": "x" }), "`device.Name`"),
        ] {
            let refused = log_in("alice.6", device).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (400, "BAD_USER_INPUT"));
            assert!(refused.message().contains(named), "{}", refused.text);
        }
    }

    async fn rest_refuses_unknown_members(app: TestApp) {
        for name in ["app_id", "AppId", "Device", "phone", "CreateUser", "query", ""] {
            let refused = rest(&app, json!({ "code": "alice", name: "secret" })).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (400, "BAD_USER_INPUT"));
            assert!(refused.message().contains(&format!("`{name}`")), "{}", refused.text);
            assert!(!refused.text.contains("secret") && !refused.text.contains("alice"), "{}", refused.text);
        }
        let refused = rest(&app, json!({ "code": "alice", "\u{1F600}".repeat(5000): 1 })).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT");
        assert!(refused.text.len() < 500, "{}", refused.text.len());
        assert_eq!(app.wechat.sent(), []);
    }

    async fn rest_error_matches_that_of_graphql(app: TestApp) {
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

    async fn errors_are_in_chinese_if_the_client_prefers_it(app: TestApp) {
        let client = app.anonymous().header("accept-language", "zh-CN,zh;q=0.9,en;q=0.8");
        assert_eq!(client.login("").await.message(), "登录凭证无效或已过期。");
        let refused = client.post("/api/login", &json!({ "code": "" })).await;
        assert_eq!(refused.message(), "登录凭证无效或已过期。");
        assert_eq!(app.anonymous().login("").await.message(), "The login code is invalid or has expired.");
    }
}
