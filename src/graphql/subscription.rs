//! What can be listened to.

use async_graphql::{Context, Subscription};
use futures_util::{Stream, StreamExt};

use super::{caller::ContextExt, object::AccountEvent};
use crate::error::ApiError;

/// The root of subscriptions.
pub(super) struct Subscription;

/// News of accounts, as it happens. Over a WebSocket (`graphql-transport-ws`) alone.
#[Subscription]
impl Subscription {
    /// What happens to the caller's account from now on, on whatever server it is done, within a second. Changes of the
    /// profile that follow closely upon each other may be told as one. After the end of the caller's own session it is
    /// complete.
    async fn account_events(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<AccountEvent, ApiError>> + use<>, ApiError> {
        let caller = ctx.signed_in().await?;
        let events = ctx.accounts_shared()?.events(caller.clone()).await?;
        Ok(events.map(move |event| event.map(|event| AccountEvent::new(event, &caller))))
    }
}
