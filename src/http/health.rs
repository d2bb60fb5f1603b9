//! What operators' and other services' machines ask: is it alive, is it ready, what are its public keys.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{App, answer::json_response};

/// How long other services may keep the public keys.
const KEYS_KEPT: &str = "public, max-age=300";

/// `GET /livez`: the process runs.
pub(super) async fn live() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// `GET /readyz`: whether clients should be sent here. Not while draining, not without the database. What WeChat refuses
/// about the settings is told too, but does not make the server unready: who is logged in is served all the same.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let draining = app.is_draining();
    let database = app.0.accounts.store.ping().await;
    if let Err(cause) = &database {
        tracing::error!(%cause, "the database does not answer");
    }
    let is_ready = !draining && database.is_ok();
    let wechat = app.0.accounts.wechat.misconfigured();
    let body = json!({
        "status": if draining { "draining" } else if is_ready { "ok" } else { "unavailable" },
        "database": if database.is_ok() { "ok" } else { "unavailable" },
        "wechat": wechat.into_iter().map(|(app, fault)| (app, fault.into())).collect::<Map<String, Value>>(),
    });
    json_response(if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body)
}

/// `GET /.well-known/jwks.json`: the public keys (RFC 7517), so that other services can verify tokens.
pub(super) async fn jwks(State(app): State<App>) -> Response {
    let mut response = json_response(StatusCode::OK, &app.0.accounts.keys.jwks());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(KEYS_KEPT));
    response
}
