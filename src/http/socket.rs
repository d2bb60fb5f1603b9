//! `GET /graphql` as a WebSocket: subscriptions, by the protocol `graphql-transport-ws`. No page can make a browser open
//! one in somebody's name: the token is in a message, where no browser puts it by itself. So the page a connection comes
//! from (`Origin`) is not asked for.

mod conversation;
mod ending;
mod introduction;
mod operations;
mod pace;
mod protocol;
#[cfg(test)]
mod tests;

use async_graphql_axum::GraphQLProtocol;
use axum::{
    extract::{FromRequestParts, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::Response,
};

use super::{App, BODY, request::Brought};
use crate::{
    error::{ApiError, Code},
    panics,
};
use conversation::hold;
use ending::Ending;
use pace::Pace;

/// The one protocol that is spoken. The older `graphql-ws` has no way to say why it closes.
const PROTOCOL: &str = "graphql-transport-ws";

/// What is read of a connection at a time, in bytes: each connection holds so much.
const READ: usize = 4 * 1024;

/// Whether a request wants to become a WebSocket.
pub(super) fn is_wanted(parts: &Parts) -> bool {
    parts.method == Method::GET
        && words(&parts.headers, &header::UPGRADE).any(|it| it.eq_ignore_ascii_case("websocket"))
}

/// Turns a request into a WebSocket.
///
/// # Errors
/// `OVERLOADED` where there are too many, or the server is about to stop; `BAD_REQUEST` where it cannot become one.
pub(super) async fn upgrade(app: App, brought: Brought, mut parts: Parts) -> Result<Response, ApiError> {
    let room = app.room_for_socket()?;
    let protocol = protocol(&mut parts).await?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let upgrade = upgrade.map_err(|_| bad("This is no WebSocket handshake."))?;
    let upgrade = upgrade.max_message_size(BODY).max_frame_size(BODY).read_buffer_size(READ).write_buffer_size(0);
    let patience = app.0.client_timeout;
    Ok(upgrade.protocols([PROTOCOL]).on_upgrade(async move |socket| {
        let (id, pace) = (brought.id, Pace::within(patience));
        // a panic is in the log already, and ends nothing but this connection
        let _ = panics::caught(id, hold(socket, protocol, app, brought, pace)).await;
        drop(room);
    }))
}

/// Makes sure that the client speaks our protocol, and the library nothing else.
async fn protocol(parts: &mut Parts) -> Result<GraphQLProtocol, ApiError> {
    if !words(&parts.headers, &header::SEC_WEBSOCKET_PROTOCOL).any(|it| it == PROTOCOL) {
        return Err(bad("Sec-WebSocket-Protocol must name graphql-transport-ws."));
    }
    parts.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    GraphQLProtocol::from_request_parts(parts, &()).await.map_err(|_| Code::BadRequest.into())
}

/// The words of a header that is a list.
fn words<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn bad(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadRequest).detail(detail)
}
