//! Browsers: which origins may call, and the headers that keep answers from being misused.

use axum::http::{Method, Request, header};
use serde_json::json;

use crate::harness::{Answer, Client};

const FRIEND: &str = "https://app.example";

on_any_database! {
    async fn an_origin_that_is_listed_may_call(
        app: TestApp,
        [("CORS_ORIGINS", "https://app.example,http://localhost:3000")]
    ) {
        for origin in [FRIEND, "http://localhost:3000"] {
            let asked = preflight(&app.anonymous(), origin).await;
            assert_eq!(asked.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            let allowed = asked.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
            assert!(["authorization", "content-type"].iter().all(|name| allowed.contains(name)), "{allowed}");
            assert!(asked.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap().contains("POST"));
            let answer = call(&app.anonymous(), origin).await;
            assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
            let exposed = answer.headers[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
            assert!(exposed.contains("retry-after") && exposed.contains("x-request-id"), "{exposed}");
        }
    }

    async fn an_origin_that_is_not_listed_may_not(app: TestApp, [("CORS_ORIGINS", "https://app.example")]) {
        for origin in ["https://evil.example", "http://app.example", "https://app.example.evil.example", "null"] {
            for answer in [preflight(&app.anonymous(), origin).await, call(&app.anonymous(), origin).await] {
                assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{origin}");
            }
        }
    }

    async fn no_origin_is_listed_unless_somebody_does(app: TestApp) {
        for answer in [preflight(&app.anonymous(), FRIEND).await, call(&app.anonymous(), FRIEND).await] {
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        }
    }

    async fn errors_too_can_be_read_by_a_listed_origin(app: TestApp, [("CORS_ORIGINS", "https://app.example")]) {
        let client = app.anonymous().header("origin", FRIEND);
        for answer in [client.send(Request::put("/graphql"), "").await, client.get("/nowhere").await] {
            assert!(answer.status.is_client_error());
            assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], FRIEND);
        }
    }

    async fn every_answer_has_an_id_and_is_not_kept_or_guessed_at(app: TestApp) {
        let client = app.anonymous();
        let mut ids = Vec::new();
        for path in ["/graphql?query={me{id}}", "/livez", "/readyz", "/nowhere", "/api/login", "/graphiql"] {
            let answer = client.get(path).await;
            assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
            assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer", "{path}");
            assert!(["no-store", "no-cache"].iter().any(|it| answer.headers[header::CACHE_CONTROL] == it), "{path}");
            ids.push(answer.headers["x-request-id"].clone());
        }
        assert_eq!(app.log_in("alice").await.client.me().await.headers[header::CACHE_CONTROL], "no-store");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }

    async fn the_explorer_may_load_nothing_from_elsewhere(app: TestApp) {
        let page = app.anonymous().get("/graphiql/small").await;
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        for part in ["", "/explorer.js", "/explorer.css"] {
            let part = app.anonymous().get(&format!("/graphiql/small{part}")).await;
            assert_eq!(part.status, 200);
            assert!(!part.text.contains("https://"), "{}", part.text);
        }
    }
}

async fn preflight(client: &Client, origin: &str) -> Answer {
    let request = Request::builder().method(Method::OPTIONS).uri("/graphql").header(header::ORIGIN, origin);
    let request = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
    client.send(request.header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type"), "").await
}

async fn call(client: &Client, origin: &str) -> Answer {
    client.clone().header("origin", origin).graphql("{ serverInfo { version } }", json!({})).await
}
