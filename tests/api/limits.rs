//! Rate limits of logins and refreshes, and how clients are distinguished.

mod shared;

use axum::http::{StatusCode, header};
use entity::code_exchange;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use crate::harness::{ApiResponse, Client, TestApp};

on_any_database! {
    async fn fourth_login_in_a_minute_is_refused(app: TestApp, [("LOGIN_RATE_LIMIT", "3/min")]) {
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

    async fn each_alias_is_counted(app: TestApp, [("REFRESH_RATE_LIMIT", "3/min")]) {
        let token = app.log_in("alice").await.refresh_token;
        let refresh = |n| format!("r{n}: refreshSession(refreshToken: \"{token}\") {{ token }}");
        let query = format!("mutation {{ {} }}", (0..5).map(refresh).collect::<Vec<_>>().join(" "));
        assert_limited(&app.anonymous().graphql(&query, json!({})).await);
        assert_limited(&app.anonymous().refresh(&token).await);
    }

    async fn limit_of_a_user_is_separate(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "100/min"), ("FILE", "user_rate_limit = \"3/min\"")]
    ) {
        let alice = app.log_in("alice.1").await;
        app.log_in("alice.2").await;
        app.anonymous().refresh(&alice.refresh_token).await.data();
        app.log_in("alice.3").await;
        assert_limited(&app.anonymous().login("alice.4").await);
        app.log_in("bob").await;
        // a refused login creates no session
        let sessions = alice.client.graphql("{ me { sessions { totalCount } } }", json!({})).await;
        assert_eq!(sessions.data()["me"]["sessions"]["totalCount"], 3);
    }

    async fn request_with_two_logins_is_refused(app: TestApp) {
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

    async fn clients_behind_a_trusted_proxy_are_counted_separately(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "3/min"), ("TRUSTED_PROXIES", "127.0.0.1/32")]
    ) {
        exhaust(&app, "203.0.113.7").await;
        assert_limited(&from(&app, "203.0.113.7").login("alice").await);
        assert_limited(&from(&app, "::ffff:203.0.113.7").login("alice").await);
        assert_limited(&from(&app, "198.51.100.1, 203.0.113.7").login("alice").await);
        from(&app, "203.0.113.8").login("alice").await.data();
    }

    async fn ipv6_network_of_a_subscriber_is_counted_as_one(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "3/min"), ("TRUSTED_PROXIES", "127.0.0.1/32")]
    ) {
        exhaust(&app, "2001:db8:1:2::3").await;
        assert_limited(&from(&app, "2001:db8:1:2:ffff:ffff:ffff:ffff").login("alice").await);
        from(&app, "2001:db8:1:3::3").login("alice").await.data();
    }

    // a /48 contains 65,536 networks, and is as easy to get as one
    async fn ipv6_site_has_a_limit_for_all_its_networks(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "3/min"), ("REFRESH_RATE_LIMIT", "3/min"), ("TRUSTED_PROXIES", "127.0.0.1/32")]
    ) {
        let in_site = |n| from(&app, &format!("2001:db8:1:{n:x}::1"));
        for n in 0..12 {
            assert_eq!(in_site(n).login("").await.code(), "INVALID_CODE");
            assert_eq!(in_site(n).refresh("").await.refusal(), "INVALID");
        }
        for n in 12..60 {
            assert_limited(&in_site(n).login("").await);
            assert_limited(&in_site(n).refresh("").await);
        }
        from(&app, "2001:db8:2:1::1").login("alice").await.data();
    }

    async fn forwarded_header_of_an_untrusted_peer_is_ignored(app: TestApp, [("LOGIN_RATE_LIMIT", "3/min")]) {
        for n in 0..3 {
            from(&app, &format!("203.0.113.{n}")).login(&format!("alice.{n}")).await.data();
        }
        assert_limited(&from(&app, "203.0.113.9").login("alice.late").await);
        assert_limited(&app.anonymous().header("x-real-ip", "203.0.113.9").login("alice.late").await);
        assert_limited(&app.anonymous().header("forwarded", "for=203.0.113.9").login("alice.late").await);
    }

    async fn each_mini_program_has_its_own_limit(
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

    async fn limit_of_a_mini_program_counts_only_calls_of_wechat(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "100/min"), ("FILE", "app_login_rate_limit = \"3/min\"")]
    ) {
        let other = app.another_node().await;
        for n in 0..10 {
            assert_eq!(app.anonymous().login(&format!("made up {n}")).await.code(), "INVALID_CODE");
            app.log_in("alice").await;
            other.log_in("alice").await;
        }
        app.log_in("bob").await;
        app.log_in("carol").await;
        assert_limited(&app.anonymous().login("dave").await);
        assert_eq!(app.wechat.sent().len(), 3);
        // the refused login has not claimed the code: any node can exchange it later
        let db = app.db().await;
        assert_eq!(code_exchange::Entity::find().count(&db).await.unwrap(), 3);
    }

    async fn repeated_login_is_counted_once_for_the_user(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "100/min"), ("FILE", "user_rate_limit = \"2/min\"")]
    ) {
        for code in ["alice.first", "alice.1", "alice.2"] {
            for _ in 0..5 {
                app.log_in(code).await;
            }
        }
        let refused = app.anonymous().login("alice.3").await;
        assert_eq!(refused.code(), "RATE_LIMITED");
    }

    async fn fourth_refresh_in_a_minute_is_refused(
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

    async fn disabled_limits_refuse_nothing(app: TestApp, [("FILE", "app_login_rate_limit = \"1/min\"")]) {
        for n in 0..40 {
            app.log_in(&format!("alice.{n}")).await;
        }
    }
}

fn from(app: &TestApp, address: &(impl ToString + ?Sized)) -> Client {
    app.anonymous().header("x-forwarded-for", address.to_string())
}

async fn rest(client: &Client, code: &str) -> ApiResponse {
    client.post("/api/login", &json!({ "code": code })).await
}

/// Logs in three times from an address.
async fn exhaust(app: &TestApp, address: &str) {
    for n in 0..3 {
        from(app, address).login(&format!("mallory.{n}")).await.data();
    }
}

/// Asserts a refusal with the retry time of a limit of three per minute, which is at most twenty seconds.
#[track_caller]
fn assert_limited(refused: &ApiResponse) {
    assert_eq!((refused.code(), &refused.error()["action"]), ("RATE_LIMITED", &json!("RETRY")));
    let wait = refused.error()["retryAfter"].as_u64().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(refused.headers[header::RETRY_AFTER], wait.to_string());
}
