//! How often a client may log in and refresh, and how clients are told apart.

mod shared;

use axum::http::{StatusCode, header};
use serde_json::json;

use crate::harness::{Answer, Client, TestApp};

on_any_database! {
    async fn the_fourth_login_in_a_minute_has_to_wait(app: TestApp, [("LOGIN_RATE_LIMIT", "3/min")]) {
        for n in 0..3 {
            app.log_in(&format!("alice.{n}")).await;
        }
        assert_limited(&app.anonymous().login("alice.late").await);
        assert_eq!(app.wechat.times_sent("alice.late"), 0);
    }

    async fn graphql_and_rest_are_counted_together(app: TestApp, [("LOGIN_RATE_LIMIT", "3/min")]) {
        app.log_in("alice.1").await;
        assert_eq!(rest(&app.anonymous(), "alice.2").await.status, StatusCode::OK);
        app.log_in("alice.3").await;
        let refused = rest(&app.anonymous(), "alice.4").await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert_limited(&refused);
        assert_limited(&app.anonymous().login("alice.5").await);
    }

    async fn aliases_are_counted_one_by_one(app: TestApp, [("REFRESH_RATE_LIMIT", "3/min")]) {
        let token = app.log_in("alice").await.refresh_token;
        let refresh = |n| format!("r{n}: refreshSession(refreshToken: \"{token}\") {{ token }}");
        let query = format!("mutation {{ {} }}", (0..5).map(refresh).collect::<Vec<_>>().join(" "));
        assert_limited(&app.anonymous().graphql(&query, json!({})).await);
        assert_limited(&app.anonymous().refresh(&token).await);
    }

    async fn a_user_has_a_limit_of_their_own(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "100/min"), ("FILE", "user_rate_limit = \"3/min\"")]
    ) {
        let alice = app.log_in("alice.1").await;
        app.log_in("alice.2").await;
        app.anonymous().refresh(&alice.refresh_token).await.data();
        app.log_in("alice.3").await;
        assert_limited(&app.anonymous().login("alice.4").await);
        app.log_in("bob").await;
        // a login that is refused leaves no session behind
        let sessions = alice.client.graphql("{ me { sessions { totalCount } } }", json!({})).await;
        assert_eq!(sessions.data()["me"]["sessions"]["totalCount"], 3);
    }

    async fn one_request_logs_in_once(app: TestApp) {
        let logins = ["1", "2"].map(|n| format!("l{n}: login(code: \"alice.{n}\") {{ isNewUser }}"));
        let answer = app.anonymous().graphql(&format!("mutation {{ {} }}", logins.join(" ")), json!({})).await;
        assert_eq!(answer.code(), "QUERY_TOO_EXPENSIVE");
        assert!(app.wechat.sent().is_empty());
    }

    async fn made_up_codes_are_counted(app: TestApp, [("LOGIN_RATE_LIMIT", "3/min")]) {
        for _ in 0..3 {
            assert_eq!(app.anonymous().login("").await.code(), "INVALID_CODE");
        }
        assert_limited(&app.anonymous().login("alice").await);
    }

    async fn whoever_comes_through_a_trusted_proxy_is_counted_alone(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "3/min"), ("TRUSTED_PROXIES", "127.0.0.1/32")]
    ) {
        exhaust(&app, "203.0.113.7").await;
        assert_limited(&from(&app, "203.0.113.7").login("alice").await);
        assert_limited(&from(&app, "::ffff:203.0.113.7").login("alice").await);
        assert_limited(&from(&app, "198.51.100.1, 203.0.113.7").login("alice").await);
        from(&app, "203.0.113.8").login("alice").await.data();
    }

    async fn an_ipv6_subscriber_is_counted_as_one(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "3/min"), ("TRUSTED_PROXIES", "127.0.0.1/32")]
    ) {
        exhaust(&app, "2001:db8:1:2::3").await;
        assert_limited(&from(&app, "2001:db8:1:2:ffff:ffff:ffff:ffff").login("alice").await);
        from(&app, "2001:db8:1:3::3").login("alice").await.data();
    }

    async fn a_header_nobody_vouches_for_changes_nothing(app: TestApp, [("LOGIN_RATE_LIMIT", "3/min")]) {
        for n in 0..3 {
            from(&app, &format!("203.0.113.{n}")).login(&format!("alice.{n}")).await.data();
        }
        assert_limited(&from(&app, "203.0.113.9").login("alice.late").await);
        assert_limited(&app.anonymous().header("x-real-ip", "203.0.113.9").login("alice.late").await);
        assert_limited(&app.anonymous().header("forwarded", "for=203.0.113.9").login("alice.late").await);
    }

    async fn a_mini_program_has_a_limit_of_its_own(
        app: TestApp,
        [
            ("LOGIN_RATE_LIMIT", "100/min"),
            ("TRUSTED_PROXIES", "127.0.0.1/32"),
            ("FILE", "app_login_rate_limit = \"3/min\""),
        ]
    ) {
        for n in 0..3 {
            from(&app, &format!("203.0.113.{n}")).login(&format!("alice.{n}")).await.data();
        }
        assert_limited(&from(&app, "203.0.113.9").login("alice.late").await);
        from(&app, "203.0.113.9").login_with(json!({ "code": "alice", "appId": "wx2" })).await.data();
    }

    async fn the_fourth_refresh_in_a_minute_has_to_wait(
        app: TestApp,
        [("REFRESH_RATE_LIMIT", "3/min"), ("TRUSTED_PROXIES", "127.0.0.1/32")]
    ) {
        let mut token = app.log_in("alice").await.refresh_token;
        for _ in 0..3 {
            let answer = app.anonymous().refresh(&token).await;
            answer.data()["refreshSession"]["refreshToken"].as_str().unwrap().clone_into(&mut token);
        }
        assert_limited(&app.anonymous().refresh(&token).await);
        from(&app, "203.0.113.7").refresh(&token).await.data();
        app.log_in("alice.again").await;
    }

    async fn made_up_refresh_tokens_are_counted(app: TestApp, [("REFRESH_RATE_LIMIT", "3/min")]) {
        for _ in 0..3 {
            assert_eq!(app.anonymous().refresh("made-up").await.code(), "UNAUTHENTICATED");
        }
        assert_limited(&app.anonymous().refresh("made-up").await);
    }

    async fn without_limits_nobody_waits(app: TestApp, [("FILE", "app_login_rate_limit = \"1/min\"")]) {
        for n in 0..40 {
            app.log_in(&format!("alice.{n}")).await;
        }
    }
}

fn from(app: &TestApp, address: &(impl ToString + ?Sized)) -> Client {
    app.anonymous().header("x-forwarded-for", address.to_string())
}

async fn rest(client: &Client, code: &str) -> Answer {
    client.post("/api/login", &json!({ "code": code })).await
}

/// Logs in three times from an address.
async fn exhaust(app: &TestApp, address: &str) {
    for n in 0..3 {
        from(app, address).login(&format!("mallory.{n}")).await.data();
    }
}

/// One of three a minute has to wait for twenty seconds at the most.
#[track_caller]
fn assert_limited(refused: &Answer) {
    assert_eq!((refused.code(), &refused.error()["action"]), ("RATE_LIMITED", &json!("RETRY")));
    let wait = refused.error()["retryAfter"].as_u64().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(refused.headers[header::RETRY_AFTER], wait.to_string());
}
