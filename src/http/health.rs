//! What operators' and other services' machines ask: is it alive, is it ready, what are its public keys.

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

use super::{App, answer::json_response};

/// How long other services may keep the public keys.
const KEYS_KEPT: &str = "public, max-age=300";

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long its answer stands, however many ask.
const FRESH: Duration = Duration::from_secs(1);

/// Whether the database answered, and when it was last asked.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Option<(Instant, bool)>>);

impl Pulse {
    /// Whether the database answers. One asks at a time, and the others wait for that answer: whoever floods the address
    /// takes one connection to the database.
    async fn beats<E: Display>(&self, ping: impl Future<Output = Result<(), E>>) -> bool {
        let mut last = self.0.lock().await;
        if let Some((_, answers)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return answers;
        }
        let answers = match timeout(PATIENCE, ping).await {
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
        *last = Some((Instant::now(), answers));
        answers
    }
}

/// `GET /livez`: the process runs.
pub(super) async fn live() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// `GET /readyz`: whether clients should be sent here. Not while draining, not without the database. What WeChat refuses
/// about the settings is told too, but does not make the server unready: who is logged in is served all the same.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let draining = app.is_draining();
    let database = app.0.pulse.beats(app.0.accounts.store.ping()).await;
    let is_ready = !draining && database;
    let wechat = app.0.accounts.wechat.misconfigured();
    let body = json!({
        "status": if draining { "draining" } else if is_ready { "ok" } else { "unavailable" },
        "database": if database { "ok" } else { "unavailable" },
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

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn however_many_ask_the_database_is_asked_once_a_second() {
        let (pulse, asked) = (Pulse::default(), AtomicU32::new(0));
        let ping = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(FRESH / 10).await;
            Ok::<_, String>(())
        };
        let answers = futures_util::future::join_all((0..1000).map(|_| pulse.beats(ping()))).await;
        assert!(answers.into_iter().all(|answer| answer));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::sleep(FRESH).await;
        assert!(!pulse.beats(async { Err("gone") }).await);
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_in_time_does_not_answer() {
        let pulse = Pulse::default();
        let (began, hangs) = (Instant::now(), || pulse.beats(pending::<Result<(), String>>()));
        assert_eq!(tokio::join!(hangs(), hangs(), hangs()), (false, false, false));
        assert!(began.elapsed() >= PATIENCE && began.elapsed() < PATIENCE * 2);
    }
}
