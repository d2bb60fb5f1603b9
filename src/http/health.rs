//! Routes for operators and other services: liveness, readiness and the public keys.

use std::{fmt::Display, time::Duration};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value, json};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{App, render::json_response};

/// `Cache-Control` of the public keys.
const JWKS_CACHE_CONTROL: &str = "public, max-age=300";

/// How long a ping of the database may take.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the result of a ping is reused.
const PING_TTL: Duration = Duration::from_secs(1);

/// The time and the result of the last ping of the database.
#[derive(Debug, Default)]
pub(super) struct DatabaseProbe(Mutex<Option<(Instant, bool)>>);

impl DatabaseProbe {
    /// Whether the database responds. Concurrent requests wait for one ping, so that a flood of requests takes one
    /// connection to the database.
    async fn is_up<E: Display>(&self, ping: impl Future<Output = Result<(), E>>) -> bool {
        let mut last = self.0.lock().await;
        if let Some((_, is_up)) = last.filter(|(at, _)| at.elapsed() < PING_TTL) {
            return is_up;
        }
        let is_up = match timeout(PING_TIMEOUT, ping).await {
            Ok(Ok(())) => true,
            Ok(Err(cause)) => {
                tracing::error!(%cause, "the database does not answer");
                false
            }
            Err(_) => {
                tracing::error!("the database does not answer in time");
                false
            }
        };
        *last = Some((Instant::now(), is_up));
        is_up
    }
}

/// `GET /livez`: the process runs.
pub(super) async fn live() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// `GET /readyz`: whether load balancers should send clients here. Fails while draining and without the database. Errors in
/// the settings of mini programs are listed, but do not make the server unready: sessions work without WeChat.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let draining = app.is_draining();
    let database = app.0.database_probe.is_up(app.0.accounts.ready()).await;
    let is_ready = !draining && database;
    let wechat = app.0.accounts.misconfigured_apps();
    let body = json!({
        "status": if draining { "draining" } else if is_ready { "ok" } else { "unavailable" },
        "database": if database { "ok" } else { "unavailable" },
        "wechat": wechat.into_iter().map(|(app, fault)| (app, fault.into())).collect::<Map<String, Value>>(),
    });
    json_response(if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body)
}

/// `GET /.well-known/jwks.json`: the public keys (RFC 7517), so that other services can verify tokens.
pub(super) async fn jwks(State(app): State<App>) -> Response {
    let mut response = json_response(StatusCode::OK, &app.0.accounts.public_keys());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(JWKS_CACHE_CONTROL));
    response
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn concurrent_requests_share_one_ping_per_second() {
        let (database_probe, pings) = (DatabaseProbe::default(), AtomicU32::new(0));
        let ping = || async {
            pings.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PING_TTL / 10).await;
            Ok::<_, String>(())
        };
        let results = futures_util::future::join_all((0..1000).map(|_| database_probe.is_up(ping()))).await;
        assert!(results.into_iter().all(|is_up| is_up));
        assert_eq!(pings.load(Ordering::Relaxed), 1);
        tokio::time::sleep(PING_TTL).await;
        assert!(!database_probe.is_up(async { Err("gone") }).await);
    }

    #[tokio::test]
    async fn database_that_does_not_respond_in_time_is_down() {
        let database_probe = DatabaseProbe::default();
        let (began, hangs) = (Instant::now(), || database_probe.is_up(pending::<Result<(), String>>()));
        assert_eq!(tokio::join!(hangs(), hangs(), hangs()), (false, false, false));
        assert!(began.elapsed() >= PING_TIMEOUT && began.elapsed() < PING_TIMEOUT * 2);
    }
}
