//! How a client says who they are, and for how long that is so.

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
        App, answer,
        request::{Brought, bearer_of},
    },
    Ending,
};
use crate::{account::Presence, error::ApiError};

/// What came of it.
type Outcome = Result<Presence, ApiError>;

/// What the library calls with the client's first message, and where the outcome will be heard of. One who is refused is
/// not the library's business any more: its code for that is not the protocol's.
pub(super) fn introduce(
    app: &App,
    brought: &Brought,
    token: &Arc<OnceLock<SecretString>>,
) -> (impl FnOnce(Value) -> BoxFuture<'static, async_graphql::Result<Data>> + Send + use<>, oneshot::Receiver<Outcome>)
{
    let (accounts, token, brought) = (Arc::clone(&app.0.accounts), Arc::clone(token), brought.clone());
    let (tell, told) = oneshot::channel();
    let introduction = move |payload: Value| {
        let introduction = async move {
            let outcome = match token_of(&payload, &brought) {
                Some(said) => accounts.attend(token.get_or_init(|| said).expose_secret()).await,
                None => Err(ApiError::unauthenticated("MISSING")),
            };
            let is_welcome = outcome.is_ok();
            // nobody hears of it where the connection has ended meanwhile
            let _ = tell.send(outcome);
            if is_welcome { Ok(Data::default()) } else { pending().await }
        };
        introduction.boxed()
    };
    (introduction, told)
}

/// Waits until the client may stay no longer, or has not said in time who they are.
pub(super) async fn leaving(
    app: &App,
    brought: &Brought,
    introduced: oneshot::Receiver<Outcome>,
    patience: Duration,
) -> Ending {
    match timeout(patience, introduced).await {
        Err(_) => Ending::UNINTRODUCED,
        // the library has gone, and that is noticed elsewhere
        Ok(Err(_)) => pending().await,
        Ok(Ok(Err(refused))) => {
            answer::log(&refused, &brought.id);
            Ending::refused(&refused)
        }
        Ok(Ok(Ok(presence))) => {
            let over = app.0.accounts.until_over(presence).await;
            answer::log(&over, &brought.id);
            Ending::left(&over)
        }
    }
}

/// The token a client introduces itself with: in the message, as a header would have it or alone; or in the header of
/// the request that became the connection.
fn token_of(payload: &Value, brought: &Brought) -> Option<SecretString> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    let header = text("authorization").or_else(|| text("Authorization"));
    let told = header.and_then(bearer_of).or_else(|| text("token").map(Into::into));
    told.or_else(|| brought.caller.token().cloned())
}
