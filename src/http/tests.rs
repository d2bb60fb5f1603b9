//! What every request goes through, tried on routes the server does not have.

use std::{env::VarError, net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
    routing::get,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{App, Site};
use crate::{clock::SystemClock, config, server, store};

/// A page that may read answers.
const ORIGIN: &str = "https://app.example";

/// A site of other routes.
async fn site(routes: Router<App>) -> (Site, TempDir) {
    let (app, folder) = app().await;
    (Site::new(app, routes), folder)
}

/// The server's inside. The database is there and empty: nothing here asks it.
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

async fn ask(site: &Site, path: &str) -> Response<Body> {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, "zh-CN").header(header::ORIGIN, ORIGIN);
    let request = request.body(Body::empty()).unwrap();
    site.clone().answer(Ipv4Addr::LOCALHOST.into(), request).await
}

async fn json(response: Response<Body>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

async fn panics() -> &'static str {
    assert!(std::hint::black_box(false), "this panic is meant");
    "unreachable"
}

#[tokio::test]
async fn whoever_meets_a_panic_is_told_so_in_full_and_the_next_is_served() {
    let routes = Router::new().route("/panic", get(panics)).route("/api/panic", get(panics));
    let (site, _folder) = site(routes.route("/good", get(async || "good"))).await;
    for path in ["/panic", "/api/panic"] {
        let response = ask(&site, path).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], ORIGIN);
        assert_eq!(
            (&response.headers()["retry-after"], &response.headers()["cache-control"]),
            (&"1".parse().unwrap(), &"no-store".parse().unwrap())
        );
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let (message, body) = ("服务器内部错误。", json(response).await);
        let mut error = json!({ "code": "INTERNAL_SERVER_ERROR", "action": "RETRY", "requestId": id, "retryAfter": 1 });
        let expected = if path == "/panic" {
            json!({ "errors": [{ "message": message, "extensions": error }] })
        } else {
            error["message"] = message.into();
            json!({ "error": error })
        };
        assert_eq!(body, expected);
        assert_eq!(ask(&site, "/good").await.status(), StatusCode::OK);
    }
}
