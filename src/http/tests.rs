//! Tests of the steps that all requests share, some with routes of their own.

use std::{env::VarError, net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, StatusCode, header},
    routing::get,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{App, HttpService};
use crate::{clock::SystemClock, config, server, store};

/// An allowed origin.
const ORIGIN: &str = "https://app.example";

/// A service with the given routes.
async fn service(routes: Router<App>) -> (HttpService, TempDir) {
    let (app, folder) = app().await;
    (HttpService::new(app, routes), folder)
}

/// An application with an empty database, which these tests do not use.
pub(super) async fn app() -> (App, TempDir) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}/test.db?mode=rwc", folder.path().display());
    let environment = |name: &str| match name {
        "DATABASE_URL" => Ok(url.clone()),
        "CORS_ORIGINS" => Ok(ORIGIN.to_owned()),
        "SECRET_KEY" => Ok("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
        _ => Err(VarError::NotPresent),
    };
    let (config, _) = config::read(&environment, None).unwrap();
    let store = store::connect(&config.database_url, 1).await.unwrap();
    let accounts = Arc::new(server::accounts(&config, store, Arc::new(SystemClock)).unwrap());
    (App::new(accounts, &config), folder)
}

async fn send_get(service: &HttpService, path: &str) -> Response<Body> {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, "zh-CN").header(header::ORIGIN, ORIGIN);
    let request = request.body(Body::empty()).unwrap();
    service.clone().handle(Ipv4Addr::LOCALHOST.into(), request).await
}

async fn json(response: Response<Body>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

async fn panics() -> &'static str {
    assert!(std::hint::black_box(false), "this panic is meant");
    "unreachable"
}

#[tokio::test]
async fn schema_is_compressed_once_and_not_sent_again_to_clients_that_have_it() {
    let (app, _folder) = app().await;
    let service = app.service();
    let get = async |coding: &'static str, known: Option<&HeaderValue>| {
        let request = Request::get("/schema.graphql").header(header::ACCEPT_ENCODING, coding);
        let request = known.into_iter().fold(request, |request, tag| request.header(header::IF_NONE_MATCH, tag));
        let (parts, body) =
            service.clone().handle(Ipv4Addr::LOCALHOST.into(), request.body(Body::empty()).unwrap()).await.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
    };
    let mut tags = Vec::new();
    for coding in ["br", "gzip", "identity"] {
        let (status, headers, first) = get(coding, None).await;
        let (_, _, second) = get(coding, None).await;
        assert_eq!((status, first.is_empty()), (StatusCode::OK, false));
        // the very same bytes in memory
        assert_eq!((first.as_ptr(), first.len()), (second.as_ptr(), second.len()), "{coding}");
        let tag = headers[header::ETAG].clone();
        let (status, headers, body) = get(coding, Some(&tag)).await;
        assert_eq!((status, &headers[header::ETAG], body.len()), (StatusCode::NOT_MODIFIED, &tag, 0));
        assert_eq!(
            (&headers[header::CACHE_CONTROL], &headers[header::VARY]),
            (&"no-cache".parse().unwrap(), &"Accept-Encoding".parse().unwrap())
        );
        tags.push(tag);
    }
    assert!(tags[0] != tags[1] && tags[1] != tags[2]);
    assert_eq!(get("gzip", Some(&tags[0])).await.0, StatusCode::OK);
}

#[tokio::test]
async fn panic_gets_a_complete_error_and_the_next_request_is_served() {
    let routes = Router::new().route("/graphql", get(panics)).route("/api/panic", get(panics));
    let (service, _folder) = service(routes.route("/good", get(async || "good"))).await;
    for path in ["/graphql", "/api/panic"] {
        let response = send_get(&service, path).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], ORIGIN);
        assert_eq!(
            (&response.headers()["retry-after"], &response.headers()["cache-control"]),
            (&"1".parse().unwrap(), &"no-store".parse().unwrap())
        );
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let (message, body) = ("服务器内部错误。", json(response).await);
        let mut error = json!({ "code": "INTERNAL_SERVER_ERROR", "action": "RETRY", "requestId": id, "retryAfter": 1 });
        let expected = if path == "/graphql" {
            json!({ "errors": [{ "message": message, "extensions": error }] })
        } else {
            error["message"] = message.into();
            json!({ "error": error })
        };
        assert_eq!(body, expected);
        assert_eq!(send_get(&service, "/good").await.status(), StatusCode::OK);
    }
}
