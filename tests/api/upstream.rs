//! A WeChat that refuses, sends invalid responses, hangs or is unreachable: the client's error, how often a code is
//! sent, and that the server continues.

use std::time::Duration;

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Reply, TestApp, wait_until};

/// The code, action and `retryAfter` of the client's error.
type ClientError = (&'static str, &'static str, Option<u64>);

const UNAVAILABLE: ClientError = ("PROVIDER_UNAVAILABLE", "RETRY", Some(1));
const MISCONFIGURED: ClientError = ("PROVIDER_MISCONFIGURED", "OPERATOR", None);
const INVALID: ClientError = ("INVALID_CODE", "RELOGIN", None);

/// The client's error for each errcode.
const ERRCODES: [(i64, ClientError); 15] = [
    (-1, UNAVAILABLE),
    (40029, INVALID),
    (41008, INVALID),
    (40163, ("CODE_USED", "RELOGIN", None)),
    (40226, ("LOGIN_BLOCKED", "GIVE_UP", None)),
    (45011, ("RATE_LIMITED", "RETRY", Some(60))),
    (45009, ("RATE_LIMITED", "RETRY", Some(3600))),
    (40013, MISCONFIGURED),
    (40125, MISCONFIGURED),
    (40164, MISCONFIGURED),
    (40243, MISCONFIGURED),
    (41002, MISCONFIGURED),
    (41004, MISCONFIGURED),
    (61003, MISCONFIGURED),
    (99999, UNAVAILABLE),
];

on_any_database! {
    async fn each_errcode_has_its_error_and_the_code_is_sent_once_unless_wechat_is_busy(app: TestApp) {
        for (errcode, expected) in ERRCODES {
            let times = if errcode == -1 { 2 } else { 1 };
            assert_error_after(times, &app, Reply::errcode(errcode), expected).await;
        }
    }

    async fn quoted_errcode_counts_as_a_number(app: TestApp) {
        assert_error(&app, Reply::Json(json!({ "errcode": "40029", "errmsg": "x" })), INVALID).await;
        assert_error(&app, Reply::Json(json!({ "errcode": "40163", "errmsg": "x" })), ("CODE_USED", "RELOGIN", None))
            .await;
    }

    async fn invalid_response_is_an_outage(app: TestApp) {
        let good = json!({ "openid": "o_alice", "session_key": "tiihtNczf5v6AKRyjwEUhQ==" }).to_string();
        for (kind, body) in [
            ("text/html; charset=gbk", "<html><body>502 Bad Gateway</body></html>"),
            ("text/html", ""),
            ("application/json", ""),
            ("application/json", "{}"),
            ("application/json", "null"),
            ("application/json", "[{\"openid\":\"o_alice\"}]"),
            ("text/plain", &good[..good.len() / 2]),
            ("application/json", "{\"openid\":\"o_alice\"}"),
            ("application/json", "{\"openid\":\"o alice\",\"session_key\":\"k\"}"),
        ] {
            assert_error(&app, Reply::Raw(200, kind, body.to_owned()), UNAVAILABLE).await;
        }
    }

    async fn response_with_another_status_is_an_outage(app: TestApp) {
        let good = json!({ "openid": "o_alice", "session_key": "tiihtNczf5v6AKRyjwEUhQ==" }).to_string();
        for status in [304, 400, 403, 404, 429, 500, 502, 503] {
            assert_error(&app, Reply::Raw(status, "application/json", good.clone()), UNAVAILABLE).await;
        }
    }

    async fn response_of_64_megabytes_is_not_read(app: TestApp) {
        let good = json!({ "openid": "o_alice", "session_key": "tiihtNczf5v6AKRyjwEUhQ==" }).to_string();
        let huge = " ".repeat(64 * 1024 * 1024) + &good;
        assert_error(&app, Reply::Raw(200, "application/json", huge), UNAVAILABLE).await;
    }

    async fn redirect_is_not_followed(app: TestApp) {
        let elsewhere = format!("{}/sns/jscode2session?js_code=elsewhere", app.wechat.base);
        assert_error(&app, Reply::Redirect(elsewhere), UNAVAILABLE).await;
        assert_eq!(app.wechat.times_sent("elsewhere"), 0);
    }

    async fn missing_response_times_out(app: TestApp, [("FILE", "wechat_timeout = \"300ms\"")]) {
        assert_error(&app, Reply::Hang, UNAVAILABLE).await;
    }

    async fn code_that_may_be_consumed_is_not_sent_to_the_next_host(
        app: TestApp,
        [("WECHAT_API_BASE", "{wechat},{wechat}"), ("FILE", "wechat_timeout = \"300ms\"")]
    ) {
        for reply in [Reply::Hang, Reply::Raw(500, "text/html", String::new()), Reply::errcode(40163)] {
            app.wechat.reply("alice.lost", reply);
            app.anonymous().login("alice.lost").await.code();
        }
        assert_eq!(app.wechat.times_sent("alice.lost"), 3);
    }

    async fn only_host_is_called_once_more_if_it_is_busy(app: TestApp) {
        app.wechat.reply("alice", Reply::errcode(-1));
        let login = tokio::spawn({
            let client = app.anonymous();
            async move { client.login("alice").await }
        });
        wait_until(|| app.wechat.times_sent("alice") > 0).await;
        app.wechat.reply("alice", Reply::user("o_alice"));
        login.await.unwrap().data();
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn code_is_sent_to_the_next_host_if_one_is_busy(app: TestApp, [("WECHAT_API_BASE", "{wechat},{wechat}")]) {
        app.wechat.reply("alice.busy", Reply::errcode(-1));
        assert_eq!(app.anonymous().login("alice.busy").await.code(), "PROVIDER_UNAVAILABLE");
        assert_eq!(app.wechat.times_sent("alice.busy"), 2);
    }

    async fn unreachable_host_is_skipped(app: TestApp, [("WECHAT_API_BASE", "http://127.0.0.1:1,{wechat}")]) {
        app.log_in("alice").await;
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }

    async fn unreachable_wechat_is_an_outage(app: TestApp, [("WECHAT_API_BASE", "http://127.0.0.1:1")]) {
        assert_eq!(client_error(&app.anonymous().login("alice").await), UNAVAILABLE);
        assert_eq!(app.anonymous().get("/readyz").await.status, StatusCode::OK);
    }

    async fn outage_has_its_own_rest_status(app: TestApp) {
        app.wechat.reply("alice", Reply::Raw(200, "text/html", String::new()));
        let refused = app.anonymous().post("/api/login", &json!({ "code": "alice" })).await;
        assert_eq!((refused.status, client_error(&refused)), (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE));
        assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    }

    async fn twenty_consecutive_outages_open_the_circuit_breaker(app: TestApp) {
        for n in 0..20 {
            let code = format!("bad.{n}");
            app.wechat.reply(&code, Reply::Raw(503, "text/html", String::new()));
            assert_eq!(client_error(&app.anonymous().login(&code).await), UNAVAILABLE);
        }
        let refused = app.anonymous().login("alice").await;
        assert_eq!(client_error(&refused), ("PROVIDER_UNAVAILABLE", "RETRY", Some(5)));
        assert_eq!(app.wechat.times_sent("alice"), 0);
        app.anonymous().login_with(json!({ "code": "bob", "appId": "wx2" })).await.data();
        app.clock.advance(Duration::from_secs(5));
        app.log_in("alice").await;
    }

    async fn settings_refused_by_wechat_are_named_by_readyz_and_not_to_the_client(app: TestApp) {
        for errcode in [40013, 40125] {
            let code = format!("bad.{errcode}");
            app.wechat.reply(&code, Reply::errcode(errcode));
            for refused in
                [app.anonymous().login(&code).await, app.anonymous().post("/api/login", &json!({ "code": code })).await]
            {
                assert_eq!(client_error(&refused), MISCONFIGURED);
                let text = refused.text.to_lowercase();
                assert!(
                    ["appid", "appsecret", "wx1", "secret-of", &errcode.to_string()]
                        .iter()
                        .all(|it| !text.contains(it))
                );
            }
            let ready = app.anonymous().get("/readyz").await;
            assert_eq!(ready.status, StatusCode::OK);
            assert!(ready.body["wechat"]["wx1"].as_str().unwrap().contains(&errcode.to_string()), "{}", ready.text);
            assert!(!ready.text.contains("secret-of"));
        }
        app.log_in("alice").await;
        assert_eq!(app.anonymous().get("/readyz").await.body["wechat"], json!({}));
    }

    async fn repeated_code_gets_the_same_outcome_without_a_call(app: TestApp) {
        let (first, second) = (app.log_in("alice").await, app.log_in("alice").await);
        assert_eq!(first.login, second.login);
        app.wechat.reply("used", Reply::errcode(40163));
        for _ in 0..2 {
            assert_eq!(app.anonymous().login("used").await.code(), "CODE_USED");
        }
        assert_eq!([app.wechat.times_sent("alice"), app.wechat.times_sent("used")], [1, 1]);
    }

    async fn transient_outcome_is_not_stored(app: TestApp) {
        app.wechat.reply("alice", Reply::errcode(45011));
        assert_eq!(app.anonymous().login("alice").await.code(), "RATE_LIMITED");
        app.wechat.reply("alice", Reply::user("o_alice"));
        app.log_in("alice").await;
    }

    async fn repeated_code_after_the_window_calls_wechat(app: TestApp, [("FILE", "login_repeat_window = \"200ms\"")]) {
        app.log_in("alice").await;
        app.wechat.reply("alice", Reply::errcode(40163));
        tokio::time::sleep(Duration::from_millis(400)).await;
        app.clock.advance(Duration::from_millis(400));
        assert_eq!(app.anonymous().login("alice").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn one_code_for_two_mini_programs_is_two_codes_on_one_node(app: TestApp) {
        for app_id in ["wx1", "wx2"] {
            app.anonymous().login_with(json!({ "code": "alice", "appId": app_id })).await.data();
        }
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }
}

on_each_database! {
    async fn hundred_concurrent_logins_with_one_code_are_one_call_and_one_session(app: TestApp) {
        app.wechat.reply("alice", Reply::After(Duration::from_millis(300), Box::new(Reply::user("o_alice"))));
        let logins = (0..100).map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.log_in("alice").await })
        });
        let mut answers = Vec::new();
        for login in logins.collect::<Vec<_>>() {
            answers.push(login.await.unwrap().login);
        }
        assert!(answers.iter().all(|login| *login == answers[0]));
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }
}

/// Asserts the client's error for a response of WeChat, that the code is sent once, and that the server still works.
async fn assert_error(app: &TestApp, reply: Reply, expected: ClientError) {
    assert_error_after(1, app, reply, expected).await;
}

/// The same if the code is sent several times.
async fn assert_error_after(times: usize, app: &TestApp, reply: Reply, expected: ClientError) {
    let unique = u128::from_be_bytes(miniaccount::random::bytes());
    let code = format!("bad.{unique:x}");
    let what = format!("{reply:?}").chars().take(200).collect::<String>();
    app.wechat.reply(&code, reply);
    let refused = app.anonymous().login(&code).await;
    assert_eq!(client_error(&refused), expected, "{what}");
    assert_eq!((refused.status, &refused.body["data"]), (StatusCode::OK, &Value::Null));
    assert_eq!(refused.headers.contains_key(header::RETRY_AFTER), expected.2.is_some());
    assert_eq!(app.wechat.times_sent(&code), times, "{what}");
    app.log_in(&format!("alice.{unique:x}")).await;
}

fn client_error(refused: &ApiResponse) -> (&str, &str, Option<u64>) {
    let error = refused.error();
    (refused.code(), error["action"].as_str().unwrap(), error.get("retryAfter").map(|wait| wait.as_u64().unwrap()))
}
