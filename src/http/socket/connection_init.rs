//! `connection_init`: authenticates the client of a WebSocket, and then waits for the end of its session.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql::Data;
use futures_util::{
    FutureExt,
    future::{BoxFuture, pending},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::{sync::oneshot, time::timeout};

use super::{
    super::{
        App, render,
        request::{RequestContext, bearer_token},
    },
    CloseReason, InitSlot,
};
use crate::{account::UserConnection, error::ApiError, quota::QuotaPermit};

/// Names of the member with the token, in the payload or in its member `headers`. Client libraries differ.
const TOKEN_NAMES: [&str; 2] = ["authorization", "token"];

/// The result of `connection_init`: the user's connection and the permit of the WebSocket.
type InitResult = Result<(UserConnection, QuotaPermit), ApiError>;

/// The callback for the library, and the receiver of its result. For a refused client the callback never returns, because
/// the library would close with a code that is not the protocol's.
pub(super) fn on_connection_init(
    app: &App,
    context: &RequestContext,
    token: &Arc<OnceLock<SecretString>>,
) -> (impl FnOnce(Value) -> BoxFuture<'static, async_graphql::Result<Data>> + Send + use<>, oneshot::Receiver<InitResult>)
{
    let (app, token, context) = (app.clone(), Arc::clone(token), context.clone());
    let (sender, receiver) = oneshot::channel();
    let callback = move |payload: Value| {
        let init = async move {
            let connection = match token_of(&payload, &context) {
                Some(found) => app.0.accounts.open_connection(token.get_or_init(|| found).expose_secret()).await,
                None => Err(ApiError::unauthenticated("MISSING")),
            };
            let result = connection.and_then(|connection| Ok((connection, app.socket_permit(&context)?)));
            let is_accepted = result.is_ok();
            // fails if the connection has ended meanwhile
            let _ = sender.send(result);
            if is_accepted { Ok(Data::default()) } else { pending().await }
        };
        init.boxed()
    };
    (callback, receiver)
}

/// Waits until the connection must be closed: `connection_init` is late or refused, or the session ends. Frees the slot
/// once the client is authenticated.
pub(super) async fn until_closed(
    app: &App,
    context: &RequestContext,
    init: oneshot::Receiver<InitResult>,
    mut slot: InitSlot,
    init_timeout: Duration,
) -> CloseReason {
    let init = tokio::select! {
        biased;
        init = timeout(init_timeout, init) => init,
        () = slot.evicted() => return CloseReason::OVERLOADED,
    };
    drop(slot);
    match init {
        Err(_) => CloseReason::INIT_TIMEOUT,
        // the library has ended, which `Conversation::run` handles
        Ok(Err(_)) => pending().await,
        Ok(Ok(Err(refusal))) => {
            render::log_error(&refusal, &context.id);
            CloseReason::refused(&refusal)
        }
        Ok(Ok(Ok((connection, _permit)))) => {
            let error = app.0.accounts.until_closed(connection).await;
            render::log_error(&error, &context.id);
            CloseReason::session_ended(&error)
        }
    }
}

/// The token of a client: in the payload, or in the headers of the handshake.
fn token_of(payload: &Value, context: &RequestContext) -> Option<SecretString> {
    let in_payload = token_in(payload).or_else(|| token_in(payload.get("headers")?));
    in_payload.map(Into::into).or_else(|| context.caller.token().cloned())
}

/// The token in an object, under one of the names in any case.
fn token_in(object: &Value) -> Option<&str> {
    let named = |name: &str| {
        let mut members = object.as_object()?.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        members.find_map(|(_, value)| token_in_text(value.as_str()?))
    };
    TOKEN_NAMES.into_iter().find_map(named)
}

/// A token with the scheme `Bearer`, or without a scheme.
fn token_in_text(text: &str) -> Option<&str> {
    let has_no_scheme = |text: &&str| !text.is_empty() && !text.contains(char::is_whitespace);
    bearer_token(text).or_else(|| Some(text.trim()).filter(has_no_scheme))
}
