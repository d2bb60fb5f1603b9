//! Identities: the openid by which a mini program identifies a user, and its WeChat session key.

mod link;
mod merge;
mod reseal;
mod ticket;
mod unlink;
mod wechat_data;

pub use link::IdentityLink;
pub use merge::AccountMerge;
pub use reseal::Resealed;
pub use wechat_data::WechatData;

use entity::{IdentityId, OpenId, SessionId, UserId, identity};

use super::Accounts;
use crate::error::ApiError;

impl Accounts {
    /// An identity of a user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity(&self, owner: UserId, id: IdentityId) -> Result<Option<identity::Model>, ApiError> {
        Ok(self.store.identity_of(owner, id).await?)
    }

    /// The identity that opened the caller's session. The session is read from the database: unlike the cached one, it
    /// has not ended on another node. `UNAUTHENTICATED` if it is not live.
    pub(super) async fn identity_of_session(
        &self,
        caller: UserId,
        session: SessionId,
    ) -> Result<identity::Model, ApiError> {
        let identity = self.store.identity_of_live_session(caller, session, self.clock.now()).await?;
        identity.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// The identities of a user, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identities(&self, owner: UserId) -> Result<Vec<identity::Model>, ApiError> {
        Ok(self.store.identities_of(owner).await?)
    }
}

/// The associated data (AAD) of an encrypted session key: it decrypts for its own identity only.
pub(super) fn session_key_context<'a>(app_id: &'a str, openid: &'a OpenId) -> [&'a str; 3] {
    ["session_key", app_id, &openid.0]
}
