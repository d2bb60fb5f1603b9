//! Answers on the wire: WeChat's JSON under the name of plain text, and the broken ones a client must survive.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;

use super::{fake::FakeWeChat, scenario::Broken};

/// After this long even a hanging answer ends, so that forgotten connections do not pile up.
const LONGEST_HANG: Duration = Duration::from_mins(2);
const CHUNK: &[u8] = &[b'x'; 64 * 1024];
/// 64 MiB in all.
const CHUNKS: usize = 1024;
/// Leads to a true login, so that a client which follows where it should not gives itself away.
const ELSEWHERE: &str =
    "/sns/jscode2session?appid=wx&secret=redirected&js_code=emulator:redirected&grant_type=authorization_code";

/// An answer as WeChat gives it: JSON, but `text/plain`.
pub(super) fn wechat(body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(json) => plain(json),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub(super) async fn broken(fake: &FakeWeChat, broken: Broken) -> Response {
    tracing::debug!(?broken, "the emulator gives a broken answer");
    match broken {
        Broken::Html => Html("<html><body><h1>502 Bad Gateway</h1></body></html>").into_response(),
        Broken::Empty => plain(Body::empty()),
        Broken::Half => plain(r#"{"session_key":"dGhpcyBpcyBjdXQ"#),
        Broken::Huge => plain(huge()),
        Broken::Redirect => (StatusCode::FOUND, [(header::LOCATION, ELSEWHERE)]).into_response(),
        Broken::Hang => hang(fake).await,
        Broken::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response(),
    }
}

fn plain(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], body.into()).into_response()
}

/// A JSON text that goes on and on. A stream, since only without a Content-Length must a client count for itself.
fn huge() -> Body {
    let start = Bytes::from_static(br#"{"session_key":""#);
    let chunks = std::iter::once(start).chain(std::iter::repeat_n(Bytes::from_static(CHUNK), CHUNKS));
    Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)))
}

async fn hang(fake: &FakeWeChat) -> Response {
    fake.wait(LONGEST_HANG).await;
    StatusCode::GATEWAY_TIMEOUT.into_response()
}
