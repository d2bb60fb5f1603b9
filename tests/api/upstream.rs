//! A WeChat that refuses, lies, hangs or is not there: what the client is told, how often a code is sent, and that the
//! server goes on.

use std::time::Duration;

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use crate::harness::{Answer, Reply, TestApp};

/// Code, action and `retryAfter` a client is told.
type Told = (&'static str, &'static str, Option<u64>);

const UNAVAILABLE: Told = ("PROVIDER_UNAVAILABLE", "RETRY", Some(1));
const MISCONFIGURED: Told = ("PROVIDER_MISCONFIGURED", "OPERATOR", None);
const INVALID: Told = ("INVALID_CODE", "RELOGIN", None);

/// What each errcode becomes.
const ERRCODES: [(i64, Told); 15] = [
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
    async fn each_errcode_is_told_in_our_words_and_the_code_sent_once_unless_wechat_is_busy(app: TestApp) {
        for (errcode, told) in ERRCODES {
            let times = if errcode == -1 { 2 } else { 1 };
            assert_told_after(times, &app, Reply::errcode(errcode), told).await;
        }
    }

    async fn an_errcode_in_quotes_is_the_same(app: TestApp) {
        assert_told(&app, Reply::Json(json!({ "errcode": "40029", "errmsg": "x" })), INVALID).await;
        assert_told(&app, Reply::Json(json!({ "errcode": "40163", "errmsg": "x" })), ("CODE_USED", "RELOGIN", None)).await;
    }

    async fn an_answer_that_is_none_is_an_outage(app: TestApp) {
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
            assert_told(&app, Reply::Raw(200, kind, body.to_owned()), UNAVAILABLE).await;
        }
    }

    async fn an_answer_of_another_status_is_an_outage(app: TestApp) {
        let good = json!({ "openid": "o_alice", "session_key": "tiihtNczf5v6AKRyjwEUhQ==" }).to_string();
        for status in [304, 400, 403, 404, 429, 500, 502, 503] {
            assert_told(&app, Reply::Raw(status, "application/json", good.clone()), UNAVAILABLE).await;
        }
    }

    async fn an_answer_of_64_megabytes_is_not_read(app: TestApp) {
        let good = json!({ "openid": "o_alice", "session_key": "tiihtNczf5v6AKRyjwEUhQ==" }).to_string();
        let huge = " ".repeat(64 * 1024 * 1024) + &good;
        assert_told(&app, Reply::Raw(200, "application/json", huge), UNAVAILABLE).await;
    }

    async fn a_redirect_is_not_followed(app: TestApp) {
        let elsewhere = format!("{}/sns/jscode2session?js_code=elsewhere", app.wechat.base);
        assert_told(&app, Reply::Redirect(elsewhere), UNAVAILABLE).await;
        assert_eq!(app.wechat.times_sent("elsewhere"), 0);
    }

    async fn an_answer_that_never_comes_is_not_waited_for(app: TestApp, [("FILE", "wechat_timeout = \"300ms\"")]) {
        assert_told(&app, Reply::Hang, UNAVAILABLE).await;
    }

    async fn a_code_that_may_be_consumed_is_not_sent_to_the_next_host(
        app: TestApp,
        [("WECHAT_API_BASE", "{wechat},{wechat}"), ("FILE", "wechat_timeout = \"300ms\"")]
    ) {
        for reply in [Reply::Hang, Reply::Raw(500, "text/html", String::new()), Reply::errcode(40163)] {
            app.wechat.reply("alice.lost", reply);
            app.anonymous().login("alice.lost").await.code();
        }
        assert_eq!(app.wechat.times_sent("alice.lost"), 3);
    }

    async fn a_busy_wechat_of_one_host_is_asked_once_more_after_a_pause(app: TestApp) {
        app.wechat.reply("alice", Reply::errcode(-1));
        let login = tokio::spawn({
            let client = app.anonymous();
            async move { client.login("alice").await }
        });
        while app.wechat.times_sent("alice") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        app.wechat.reply("alice", Reply::user("o_alice"));
        login.await.unwrap().data();
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn a_busy_host_leaves_the_code_for_the_next(app: TestApp, [("WECHAT_API_BASE", "{wechat},{wechat}")]) {
        app.wechat.reply("alice.busy", Reply::errcode(-1));
        assert_eq!(app.anonymous().login("alice.busy").await.code(), "PROVIDER_UNAVAILABLE");
        assert_eq!(app.wechat.times_sent("alice.busy"), 2);
    }

    async fn a_host_that_takes_no_connection_is_passed_over(
        app: TestApp,
        [("WECHAT_API_BASE", "http://127.0.0.1:1,{wechat}")]
    ) {
        app.log_in("alice").await;
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }

    async fn a_wechat_that_is_not_there_is_an_outage(app: TestApp, [("WECHAT_API_BASE", "http://127.0.0.1:1")]) {
        assert_eq!(told(&app.anonymous().login("alice").await), UNAVAILABLE);
        assert_eq!(app.anonymous().get("/readyz").await.status, StatusCode::OK);
    }

    async fn rest_tells_an_outage_by_its_status_too(app: TestApp) {
        app.wechat.reply("alice", Reply::Raw(200, "text/html", String::new()));
        let refused = app.anonymous().post("/api/login", &json!({ "code": "alice" })).await;
        assert_eq!((refused.status, told(&refused)), (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE));
        assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    }

    async fn twenty_outages_in_a_row_give_wechat_a_rest(app: TestApp) {
        for n in 0..20 {
            let code = format!("bad.{n}");
            app.wechat.reply(&code, Reply::Raw(503, "text/html", String::new()));
            assert_eq!(told(&app.anonymous().login(&code).await), UNAVAILABLE);
        }
        let resting = app.anonymous().login("alice").await;
        assert_eq!(told(&resting), ("PROVIDER_UNAVAILABLE", "RETRY", Some(5)));
        assert_eq!(app.wechat.times_sent("alice"), 0);
        app.anonymous().login_with(json!({ "code": "bob", "appId": "wx2" })).await.data();
        app.clock.advance(Duration::from_secs(5));
        app.log_in("alice").await;
    }

    async fn settings_that_wechat_refuses_are_named_to_the_operator_alone(app: TestApp) {
        for errcode in [40013, 40125] {
            let code = format!("bad.{errcode}");
            app.wechat.reply(&code, Reply::errcode(errcode));
            for refused in [
                app.anonymous().login(&code).await,
                app.anonymous().post("/api/login", &json!({ "code": code })).await,
            ] {
                assert_eq!(told(&refused), MISCONFIGURED);
                let text = refused.text.to_lowercase();
                assert!(["appid", "appsecret", "wx1", "secret-of", &errcode.to_string()].iter().all(|it| !text.contains(it)));
            }
            let ready = app.anonymous().get("/readyz").await;
            assert_eq!(ready.status, StatusCode::OK);
            assert!(ready.body["wechat"]["wx1"].as_str().unwrap().contains(&errcode.to_string()), "{}", ready.text);
            assert!(!ready.text.contains("secret-of"));
        }
        app.log_in("alice").await;
        assert_eq!(app.anonymous().get("/readyz").await.body["wechat"], json!({}));
    }

    async fn a_repeat_soon_after_has_the_same_outcome_without_a_call(app: TestApp) {
        let (first, second) = (app.log_in("alice").await, app.log_in("alice").await);
        assert_eq!(first.login, second.login);
        app.wechat.reply("used", Reply::errcode(40163));
        for _ in 0..2 {
            assert_eq!(app.anonymous().login("used").await.code(), "CODE_USED");
        }
        assert_eq!([app.wechat.times_sent("alice"), app.wechat.times_sent("used")], [1, 1]);
    }

    async fn an_outcome_that_passes_is_not_kept(app: TestApp) {
        app.wechat.reply("alice", Reply::errcode(45011));
        assert_eq!(app.anonymous().login("alice").await.code(), "RATE_LIMITED");
        app.wechat.reply("alice", Reply::user("o_alice"));
        app.log_in("alice").await;
    }

    async fn a_repeat_after_the_window_asks_wechat(app: TestApp, [("FILE", "login_repeat_window = \"200ms\"")]) {
        app.log_in("alice").await;
        app.wechat.reply("alice", Reply::errcode(40163));
        tokio::time::sleep(Duration::from_millis(400)).await;
        app.clock.advance(Duration::from_millis(400));
        assert_eq!(app.anonymous().login("alice").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn one_code_for_two_mini_programs_is_two_codes(app: TestApp) {
        for app_id in ["wx1", "wx2"] {
            app.anonymous().login_with(json!({ "code": "alice", "appId": app_id })).await.data();
        }
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }
}

on_each_database! {
    async fn a_hundred_at_once_with_one_code_are_one_call_and_one_login(app: TestApp) {
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

/// A login that WeChat answers so tells the client this, sends the code once, and leaves the server well.
async fn assert_told(app: &TestApp, reply: Reply, expected: Told) {
    assert_told_after(1, app, reply, expected).await;
}

/// The same where the code is sent so often.
async fn assert_told_after(times: usize, app: &TestApp, reply: Reply, expected: Told) {
    let unique = u128::from_be_bytes(miniaccount::random::bytes());
    let code = format!("bad.{unique:x}");
    let what = format!("{reply:?}").chars().take(200).collect::<String>();
    app.wechat.reply(&code, reply);
    let refused = app.anonymous().login(&code).await;
    assert_eq!(told(&refused), expected, "{what}");
    assert_eq!((refused.status, &refused.body["data"]), (StatusCode::OK, &Value::Null));
    assert_eq!(refused.headers.contains_key(header::RETRY_AFTER), expected.2.is_some());
    assert_eq!(app.wechat.times_sent(&code), times, "{what}");
    app.log_in(&format!("alice.{unique:x}")).await;
}

fn told(refused: &Answer) -> (&str, &str, Option<u64>) {
    let error = refused.error();
    (refused.code(), error["action"].as_str().unwrap(), error.get("retryAfter").map(|wait| wait.as_u64().unwrap()))
}
