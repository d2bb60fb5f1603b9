//! Browsers: which origins may call, and the security headers of responses.

use axum::http::{Method, Request, header};
use serde_json::json;

use crate::harness::{ApiResponse, Client};

const LISTED_ORIGIN: &str = "https://app.example";

on_any_database! {
    async fn listed_origin_may_call(app: TestApp, [("CORS_ORIGINS", "https://app.example,http://localhost:3000")]) {
        for origin in [LISTED_ORIGIN, "http://localhost:3000"] {
            let preflight = preflight(&app.anonymous(), origin).await;
            assert_eq!(preflight.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert!(preflight.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap().contains("POST"));
            let answer = call(&app.anonymous(), origin).await;
            assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
            let exposed = answer.headers[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
            assert!(exposed.contains("retry-after") && exposed.contains("x-request-id"), "{exposed}");
        }
    }

    async fn listed_origin_may_send_any_headers(app: TestApp, [("CORS_ORIGINS", "https://app.example")]) {
        for requested in
            ["authorization,content-type", "baggage,sentry-trace", "apollographql-client-name, traceparent,x-any"]
        {
            let answer = preflight_for(&app.anonymous(), LISTED_ORIGIN, requested).await;
            assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS], requested);
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
            let varies = vary(&answer);
            assert!(varies.contains("origin") && varies.contains("access-control-request-headers"), "{varies}");
        }
        let answer =
            call(&app.anonymous().header("traceparent", "00-1-1-00").header("x-any", "1"), LISTED_ORIGIN).await;
        answer.data();
        let varies = vary(&answer);
        assert!(["origin", "accept-language", "authorization"].iter().all(|name| varies.contains(name)), "{varies}");
    }

    async fn unlisted_origin_may_not_call(app: TestApp, [("CORS_ORIGINS", "https://app.example")]) {
        for origin in ["https://evil.example", "http://app.example", "https://app.example.evil.example", "null"] {
            for answer in [preflight(&app.anonymous(), origin).await, call(&app.anonymous(), origin).await] {
                assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{origin}");
            }
        }
    }

    async fn no_origin_may_call_by_default(app: TestApp) {
        for answer in [preflight(&app.anonymous(), LISTED_ORIGIN).await, call(&app.anonymous(), LISTED_ORIGIN).await] {
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        }
    }

    async fn errors_can_be_read_by_a_listed_origin(app: TestApp, [("CORS_ORIGINS", "https://app.example")]) {
        let client = app.anonymous().header("origin", LISTED_ORIGIN);
        for answer in [client.send(Request::put("/graphql"), "").await, client.get("/nowhere").await] {
            assert!(answer.status.is_client_error());
            assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], LISTED_ORIGIN);
        }
    }

    async fn every_response_has_an_id_and_is_neither_stored_nor_sniffed(app: TestApp) {
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

    async fn explorer_may_not_load_from_other_origins(app: TestApp) {
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

/// The `Vary` of a response, in lower case.
fn vary(answer: &ApiResponse) -> String {
    let values = answer.headers.get_all(header::VARY).iter().map(|value| value.to_str().unwrap().to_lowercase());
    values.collect::<Vec<_>>().join(",")
}

async fn preflight(client: &Client, origin: &str) -> ApiResponse {
    preflight_for(client, origin, "authorization,content-type").await
}

async fn preflight_for(client: &Client, origin: &str, headers: &str) -> ApiResponse {
    let request = Request::builder().method(Method::OPTIONS).uri("/graphql").header(header::ORIGIN, origin);
    let request = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
    client.send(request.header(header::ACCESS_CONTROL_REQUEST_HEADERS, headers), "").await
}

async fn call(client: &Client, origin: &str) -> ApiResponse {
    client.clone().header("origin", origin).graphql("{ serverInfo { version } }", json!({})).await
}
