//! Unlinks an identity from the caller's account, unless it is the last one.

use entity::{IdentityId, session::EndReason, user};

use crate::{
    account::{Accounts, Refusal, SignedIn},
    error::ApiError,
    store::{Unlink, Unlinked},
};

/// The updated user, or the reason why nothing was changed.
type Unlinking = Result<Result<user::Model, Refusal>, ApiError>;

impl Accounts {
    /// Unlinks an identity and ends the sessions it opened, possibly including the caller's. The next login with this
    /// identity creates a new account, unless another identity with the same unionid has logged in since.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn unlink_identity(&self, caller: &SignedIn, identity: IdentityId) -> Unlinking {
        let (user, now) = (caller.user.id, self.clock.now());
        self.limits.user(user).await?;
        let unlink = Unlink { user, identity, open_platforms: self.wechat.open_platforms(), now };
        let ended = match self.store.identity_unlink(&unlink).await? {
            Unlinked::Done(ended) => ended,
            Unlinked::Last => return Ok(Err(Refusal::LastIdentity)),
            Unlinked::NotFound => return Ok(Err(Refusal::NoIdentity)),
        };
        self.invalidate_ended(user, &ended, EndReason::Unlinked);
        tracing::info!(user = %user.0, "an identity was unlinked");
        self.current_user(caller).await.map(Ok)
    }
}
