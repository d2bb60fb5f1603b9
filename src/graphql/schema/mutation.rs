//! Mutations.

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{
    super::caller::ContextExt,
    object::{
        BindPhoneNumberPayload, CancelAccountDeletionPayload, DecryptWechatDataInput, DecryptWechatDataPayload,
        DeleteAccountPayload, LinkIdentityPayload, LoginPayload, LogoutPayload, MergeAccountsPayload,
        RefreshSessionPayload, RevokeSessionPayload, UnbindPhoneNumberPayload, UnlinkIdentityPayload,
        UpdateProfileInput, UpdateProfilePayload,
    },
};
use crate::{
    account::{self, LoginRequest, Refusal},
    error::ApiError,
    global_id::GlobalId,
};

/// The root of mutations.
pub(in crate::graphql) struct Mutation;

/// The device that the client runs on.
#[derive(InputObject)]
struct DeviceInput {
    /// A permanent id that the client chose for the device, at most 64 characters. A new login from the same device
    /// ends the device's earlier session.
    id: Option<String>,
    /// A name for people to read, at most 64 characters. The list of sessions shows it.
    name: Option<String>,
}

/// The sessions that a logout ends.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "account::LogoutScope")]
enum LogoutScope {
    /// The session of the access token.
    Current,
    /// All other sessions of the caller.
    Others,
    /// All sessions of the caller.
    All,
}

/// Changes accounts.
#[Object]
impl Mutation {
    /// Logs in with a code from `wx.login`. The first login of a user creates the account. No access token is needed;
    /// an invalid one is ignored.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The code from `wx.login`. It is valid once, for five minutes. It may be empty in WeChat cloud \
                    hosting, where the platform identifies the user.",
            secret
        )]
        code: String,
        #[graphql(desc = "Appid of the mini program. If omitted or empty, the default one.")] app_id: Option<String>,
        #[graphql(desc = "The device that the client runs on.")] device: Option<DeviceInput>,
        #[graphql(
            desc = "A code of the `getPhoneNumber` button. Its phone number is bound to the account. If this fails, \
                    the login succeeds nevertheless, and `userErrors` has the reason.",
            secret
        )]
        phone_code: Option<String>,
        #[graphql(
            desc = "Whether a user without an account gets one. If `false`, the error for such a user is \
                    `ACCOUNT_NOT_FOUND`.",
            default = true
        )]
        create_user: bool,
    ) -> Result<LoginPayload, ApiError> {
        let device = device.map(account::Device::from).unwrap_or_default();
        let request = LoginRequest {
            code: &code,
            app_id: app_id.as_deref(),
            device,
            phone_code: phone_code.as_deref(),
            create_user,
            client: ctx.client()?,
        };
        Ok(LoginPayload::new(ctx.accounts_shared()?.login(request).await?, ctx.language()?))
    }

    /// Exchanges a refresh token for a new pair of tokens. The old refresh token gets the same pair again for ten
    /// seconds, and after that for as long as neither new token has been used, so that a client may retry after a lost
    /// response. Any later use of the old refresh token ends the session.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The latest refresh token of the session.", secret)] refresh_token: String,
    ) -> Result<RefreshSessionPayload, ApiError> {
        let opened = ctx.accounts()?.refresh(&refresh_token, ctx.client()?).await?;
        Ok(RefreshSessionPayload::from(opened))
    }

    /// Logs out. It is not an error if the session has ended already.
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sessions to end.", default_with = "LogoutScope::Current")] scope: LogoutScope,
    ) -> Result<LogoutPayload, ApiError> {
        let ended = ctx.accounts()?.logout(ctx.token()?, scope.into()).await?;
        Ok(LogoutPayload::from(ended))
    }

    /// Ends one of the caller's sessions.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the session.")] session_id: ID,
    ) -> Result<RevokeSessionPayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let revoked = match GlobalId::session(&session_id) {
            Some(id) => ctx.accounts()?.revoke(&caller, id).await?,
            None => None,
        };
        Ok(RevokeSessionPayload::new(revoked, caller.session, ctx.language()?))
    }

    /// Binds a phone number to the caller's account, in place of an earlier one. A phone number belongs to one account.
    async fn bind_phone_number(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code of the `getPhoneNumber` button. It is valid once, for five minutes.", secret)]
        code: String,
    ) -> Result<BindPhoneNumberPayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let update = ctx.accounts_shared()?.bind_phone(&caller, &code).await?;
        Ok(BindPhoneNumberPayload::new(update, caller.viewer(), ctx.language()?))
    }

    /// Removes the caller's phone number. It is not an error if they have none.
    async fn unbind_phone_number(&self, ctx: &Context<'_>) -> Result<UnbindPhoneNumberPayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let user = ctx.accounts()?.unbind_phone(&caller).await?;
        Ok(UnbindPhoneNumberPayload::new(user, caller.viewer()))
    }

    /// Decrypts or verifies data of WeChat with the session key of the caller's login. The result has the fields that
    /// WeChat documents, without WeChat's ids of the user.
    async fn decrypt_wechat_data(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The data to decrypt or verify.", secret)] input: DecryptWechatDataInput,
    ) -> Result<DecryptWechatDataPayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let data = ctx.accounts()?.open_wechat_data(&caller, input.into()).await?;
        DecryptWechatDataPayload::new(&data)
    }

    /// Changes the caller's profile.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateProfileInput,
    ) -> Result<UpdateProfilePayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let request = input.seen_from(ctx.public_url()?);
        let update = ctx.accounts_shared()?.update_profile(&caller, request).await?;
        Ok(UpdateProfilePayload::new(update, caller.viewer(), ctx.language()?))
    }

    /// Links another identity to the caller's account: of another mini program, or of another WeChat account. If the
    /// identity belongs to another account, nothing changes, the error is `IDENTITY_TAKEN`, and `mergeAccounts` can
    /// merge the two accounts with `mergeTicket`.
    async fn link_identity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A code from `wx.login`, not used by any login.", secret)] code: String,
        #[graphql(desc = "Appid of the mini program of the code. If omitted or empty, the default one.")]
        app_id: Option<String>,
    ) -> Result<LinkIdentityPayload, ApiError> {
        let (caller, accounts) = (ctx.signed_in().await?, ctx.accounts_shared()?);
        let link = accounts.link_identity(&caller, ctx.client()?, (&code, app_id.as_deref())).await?;
        Ok(LinkIdentityPayload::new(link, accounts.current_user(&caller).await?, &caller, ctx.language()?))
    }

    /// Unlinks an identity from the caller's account, unless it is the last one. The sessions that it opened end,
    /// including the caller's own. Its next login creates a new account.
    async fn unlink_identity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the identity.")] identity_id: ID,
    ) -> Result<UnlinkIdentityPayload, ApiError> {
        let (caller, accounts) = (ctx.signed_in().await?, ctx.accounts()?);
        let user = match GlobalId::decode(&identity_id) {
            Some(GlobalId::Identity(id)) => accounts.unlink_identity(&caller, id).await?,
            _ => Err(Refusal::NoIdentity),
        };
        Ok(UnlinkIdentityPayload::new(user, &caller, ctx.language()?))
    }

    /// Merges two accounts. The older one remains, with its id. It takes over the identities of the newer one, and the
    /// parts of the profile that it lacks. All sessions of the newer one end: if it is the caller's, the client must
    /// log in again.
    async fn merge_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The `mergeTicket` that `linkIdentity` returned.", secret)] ticket: String,
    ) -> Result<MergeAccountsPayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let merge = ctx.accounts()?.merge_accounts(&caller, &ticket).await?;
        Ok(MergeAccountsPayload::new(merge, &caller, ctx.language()?))
    }

    /// Requests the deletion of the caller's account. Until `deletesAt` the account works, and the caller may cancel.
    /// Within a minute after that, all of its data is deleted. A repeated request does not postpone the deletion.
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "A code from `wx.login` in the mini program of the session, not used by any login. It proves who \
                    the caller is: if it belongs to another person, the error is `WRONG_PERSON`.",
            secret
        )]
        code: String,
    ) -> Result<DeleteAccountPayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let deletion =
            ctx.accounts_shared()?.delete_account((caller.user.id, caller.session), ctx.client()?, &code).await?;
        Ok(DeleteAccountPayload::new(&deletion, ctx.language()?))
    }

    /// Cancels the deletion of the caller's account. It is not an error if none was requested.
    async fn cancel_account_deletion(&self, ctx: &Context<'_>) -> Result<CancelAccountDeletionPayload, ApiError> {
        let caller = ctx.signed_in().await?;
        let user = ctx.accounts()?.cancel_deletion(caller.user.id).await?;
        Ok(CancelAccountDeletionPayload::new(user, &caller))
    }
}

impl From<DeviceInput> for account::Device {
    fn from(input: DeviceInput) -> Self {
        Self { id: input.id, name: input.name }
    }
}
