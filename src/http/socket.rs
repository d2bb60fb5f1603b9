//! `GET /graphql` as a WebSocket: subscriptions by the protocol `graphql-transport-ws`. `Origin` is not checked: the
//! token is in a message, and not in a cookie that a browser would send for another page.

mod close_reason;
mod connection_init;
mod conversation;
mod operations;
mod protocol;
#[cfg(test)]
mod tests;
mod timeouts;
mod uninitialised;

use async_graphql_axum::GraphQLProtocol;
use axum::{
    extract::{FromRequestParts, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::Response,
};

use super::{App, MAX_BODY, request::RequestContext};
use crate::{
    error::{ApiError, Code},
    panics,
};
use close_reason::CloseReason;
use conversation::run;
use timeouts::Timeouts;
pub(super) use uninitialised::{InitSlot, Uninitialised};

/// The only supported protocol. The older `graphql-ws` has no close codes.
const PROTOCOL: &str = "graphql-transport-ws";

/// The read buffer of each connection, in bytes.
const READ_BUFFER: usize = 4 * 1024;

/// Whether a request is a WebSocket handshake.
pub(super) fn is_wanted(parts: &Parts) -> bool {
    parts.method == Method::GET
        && tokens(&parts.headers, &header::UPGRADE).any(|it| it.eq_ignore_ascii_case("websocket"))
}

/// Upgrades a request to a WebSocket.
///
/// # Errors
/// `OVERLOADED` if there are too many or the server drains; `BAD_REQUEST` for an invalid handshake.
pub(super) async fn upgrade(app: App, context: RequestContext, mut parts: Parts) -> Result<Response, ApiError> {
    let (slot, open_socket) = app.open_socket(&context)?;
    let protocol = protocol(&mut parts).await?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let upgrade = upgrade.map_err(|_| bad("The WebSocket handshake is invalid."))?;
    let upgrade =
        upgrade.max_message_size(MAX_BODY).max_frame_size(MAX_BODY).read_buffer_size(READ_BUFFER).write_buffer_size(0);
    let timeouts = Timeouts::with_client_timeout(app.0.client_timeout);
    Ok(upgrade.protocols([PROTOCOL]).on_upgrade(async move |socket| {
        let fields = context.log_context();
        // the panic hook has logged a panic, which ends only this connection
        let _ = fields.scope(panics::caught(run(socket, protocol, app, context, slot, timeouts))).await;
        drop(open_socket);
    }))
}

/// Checks that the client offers our protocol, and removes all others, so that the library chooses it.
async fn protocol(parts: &mut Parts) -> Result<GraphQLProtocol, ApiError> {
    if !tokens(&parts.headers, &header::SEC_WEBSOCKET_PROTOCOL).any(|it| it == PROTOCOL) {
        return Err(bad("`Sec-WebSocket-Protocol` must contain graphql-transport-ws."));
    }
    parts.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    GraphQLProtocol::from_request_parts(parts, &()).await.map_err(|_| Code::BadRequest.into())
}

/// The tokens of a header that is a list.
fn tokens<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn bad(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadRequest).detail(detail)
}
