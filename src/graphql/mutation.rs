//! What can be done.

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{
    caller::ContextExt,
    object::{
        LoginPayload, LogoutPayload, RefreshSessionPayload, RevokeSessionPayload, UpdateProfileInput,
        UpdateProfilePayload,
    },
};
use crate::{
    account::{self, LoginRequest},
    error::ApiError,
    global_id::GlobalId,
};

/// The root of mutations.
pub(super) struct Mutation;

/// What the client tells of the device it runs on.
#[derive(InputObject)]
struct DeviceInput {
    /// The client's own lasting name for the device, at most 64 characters. Logging in again from the same device ends
    /// the session it had before.
    id: Option<String>,
    /// The device as a person would call it, at most 64 characters: shown in the list of sessions.
    name: Option<String>,
}

/// Which sessions a logout ends.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "account::LogoutScope")]
enum LogoutScope {
    /// The one the token names.
    Current,
    /// All of the caller's but that one.
    Others,
    /// All of the caller's.
    All,
}

/// Changes to accounts.
#[Object]
impl Mutation {
    /// Logs in with a code from `wx.login`, making the user on their first login. Needs no token, and a bad one does not
    /// matter.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code `wx.login` gave; good once, for five minutes.", secret)] code: String,
        #[graphql(desc = "Appid of the mini program; the default one where left out or empty.")] app_id: Option<String>,
        #[graphql(desc = "The device the client runs on.")] device: Option<DeviceInput>,
    ) -> Result<LoginPayload, ApiError> {
        let device = device.map(account::Device::from).unwrap_or_default();
        let request = LoginRequest { code: &code, app_id: app_id.as_deref(), device, client: ctx.client()? };
        ctx.accounts()?.login(request).await.map(LoginPayload::from)
    }

    /// Trades a refresh token for a new pair of tokens. The old one may be sent again until the new one has been used:
    /// the answer is the same, so that one lost on the way is no harm. After that it ends the session.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The newest refresh token the client holds.", secret)] refresh_token: String,
    ) -> Result<RefreshSessionPayload, ApiError> {
        let opened = ctx.accounts()?.refresh(&refresh_token, ctx.client()?).await?;
        Ok(RefreshSessionPayload::from(opened))
    }

    /// Logs out. Doing it again is no error.
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sessions to end.", default_with = "LogoutScope::Current")] scope: LogoutScope,
    ) -> Result<LogoutPayload, ApiError> {
        let ended = ctx.accounts()?.logout(ctx.token()?, scope.into()).await?;
        Ok(LogoutPayload::from(ended))
    }

    /// Ends one of the caller's sessions.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the session.")] session_id: ID,
    ) -> Result<RevokeSessionPayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let revoked = match GlobalId::session(&session_id) {
            Some(id) => ctx.accounts()?.revoke(&caller, id).await?,
            None => None,
        };
        Ok(RevokeSessionPayload::new(revoked, caller.session, ctx.language()?))
    }

    /// Changes the caller's profile.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to become of it.")] input: UpdateProfileInput,
    ) -> Result<UpdateProfilePayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let update = ctx.accounts()?.update_profile(&caller, input.into()).await?;
        Ok(UpdateProfilePayload::new(update, caller.viewer(), ctx.language()?))
    }
}

impl From<DeviceInput> for account::Device {
    fn from(input: DeviceInput) -> Self {
        Self { id: input.id, name: input.name }
    }
}
