//! Subscriptions.

use async_graphql::{Context, Subscription};
use futures_util::{Stream, StreamExt};

use super::{super::caller::ContextExt, object::AccountEvent};
use crate::error::ApiError;

/// The root of subscriptions.
pub(in crate::graphql) struct Subscription;

/// Reports changes of accounts. Subscriptions run over a WebSocket with the protocol `graphql-transport-ws`.
#[Subscription]
impl Subscription {
    /// Reports each later event of the caller's account within one second, on whichever server it occurs. Profile
    /// changes in quick succession may be reported as one event. The subscription completes when the caller's own
    /// session ends.
    async fn account_events(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<AccountEvent, ApiError>> + use<>, ApiError> {
        let caller = ctx.signed_in().await?;
        let events = ctx.accounts_shared()?.events(caller.clone()).await?;
        Ok(events.map(move |event| event.map(|event| AccountEvent::new(event, &caller))))
    }
}
