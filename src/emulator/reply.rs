//! HTTP responses: JSON as `text/plain`, as WeChat sends it, and the broken replies that a client must handle.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;

use super::{scenario::BrokenReply, state::EmulatorState};

/// How long a hanging reply waits, so that forgotten connections do not accumulate.
const MAX_HANG: Duration = Duration::from_mins(2);
const CHUNK: &[u8] = &[b'x'; 64 * 1024];
/// 64 MiB in total.
const CHUNKS: usize = 1024;
/// The target of a redirect. It logs a user in, so a test notices a client that follows the redirect.
const REDIRECT_TARGET: &str =
    "/sns/jscode2session?appid=wx&secret=redirected&js_code=emulator:redirected&grant_type=authorization_code";

/// A response as WeChat sends it: JSON, with the Content-Type `text/plain`.
pub(super) fn wechat(body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(json) => plain(json),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub(super) async fn broken(state: &EmulatorState, broken: BrokenReply) -> Response {
    tracing::debug!(?broken, "the emulator sends a broken reply");
    match broken {
        BrokenReply::Html => Html("<html><body><h1>502 Bad Gateway</h1></body></html>").into_response(),
        BrokenReply::Empty => plain(Body::empty()),
        BrokenReply::Half => plain(r#"{"session_key":"dGhpcyBpcyBjdXQ"#),
        BrokenReply::Huge => plain(huge()),
        BrokenReply::Redirect => (StatusCode::FOUND, [(header::LOCATION, REDIRECT_TARGET)]).into_response(),
        BrokenReply::Hang => hang(state).await,
        BrokenReply::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response(),
    }
}

fn plain(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], body.into()).into_response()
}

/// A very long JSON text. It is a stream without Content-Length, so that the client has to count the bytes.
fn huge() -> Body {
    let start = Bytes::from_static(br#"{"session_key":""#);
    let chunks = std::iter::once(start).chain(std::iter::repeat_n(Bytes::from_static(CHUNK), CHUNKS));
    Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)))
}

async fn hang(state: &EmulatorState) -> Response {
    state.wait(MAX_HANG).await;
    StatusCode::GATEWAY_TIMEOUT.into_response()
}
