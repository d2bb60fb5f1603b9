//! Uploads of pictures. The order of the steps leaves no untracked object if one of them fails: insert the row, write
//! the object, put both into use in one transaction, delete the previous picture.

use std::{sync::Arc, time::Duration};

use entity::{SessionId, UserId, user};
use tokio::time::timeout;

use crate::{
    account::{Accounts, SignedIn},
    error::{ApiError, Code},
    log_context,
    media::{Avatar, DecodeError, MediaKey},
    public_url::PublicUrl,
    store::Change,
};

/// Time limit for writing a picture to the storage. Far shorter than the age at which an upload counts as interrupted.
const PUT_TIMEOUT: Duration = Duration::from_secs(20);

impl Accounts {
    /// Counts an upload of a user against the rate limit.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn count_upload(&self, caller: &SignedIn) -> Result<(), ApiError> {
        self.limits.avatar(caller.user.id).await
    }

    /// Decodes a file, stores it as the avatar of a user, and returns the updated user. The work continues if the
    /// caller is cancelled. WeChat may check the picture afterwards, by its URL below `public_url`.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` if the file is not a supported picture; `OVERLOADED` if too many are being decoded; `TIMEOUT`
    /// if the storage does not respond; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn upload_avatar<B>(
        self: &Arc<Self>,
        caller: &SignedIn,
        file: B,
        public_url: &PublicUrl,
    ) -> Result<user::Model, ApiError>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        let avatar = self.decode_pool.avatar(file).await.map_err(refusal)?;
        let (accounts, public_url) = (Arc::clone(self), public_url.clone());
        let (session, owner) = (caller.session, caller.user.id);
        let storing = async move { accounts.store_avatar(session, owner, avatar, &public_url).await };
        let storing = tokio::spawn(log_context::inherit(storing));
        // the task fails only if it panics, and the panic is in the log
        storing.await.unwrap_or_else(|_| Err(Code::InternalServerError.into()))
    }

    async fn store_avatar(
        self: &Arc<Self>,
        session: SessionId,
        owner: UserId,
        avatar: Avatar,
        public_url: &PublicUrl,
    ) -> Result<user::Model, ApiError> {
        let (key, now) = (MediaKey::generate(avatar.format), self.clock.now());
        self.store.media_file_insert(key.as_str(), owner, now).await?;
        if let Err(error) = self.put(&key, avatar).await {
            // the storage may still complete the write: the row stays, and housekeeping deletes the object again
            self.delete_object(&key).await;
            return Err(error);
        }
        match self.set_avatar(owner, &key).await {
            Ok(user) => {
                self.invalidate(owner, Change::UserChanged);
                self.check_picture(session, owner, &key, public_url);
                self.delete_replaced(owner).await;
                Ok(user)
            }
            Err(error) => {
                self.abandon(&key).await;
                Err(error)
            }
        }
    }

    async fn put(&self, key: &MediaKey, avatar: Avatar) -> Result<(), ApiError> {
        let put = timeout(PUT_TIMEOUT, self.media.put(key, avatar.bytes)).await;
        put.map_err(|_| ApiError::new(Code::Timeout))?.map_err(ApiError::internal)
    }

    async fn set_avatar(&self, owner: UserId, key: &MediaKey) -> Result<user::Model, ApiError> {
        let user = self.store.avatar_set(owner, key.as_str(), &key.path(), self.clock.now()).await?;
        // the account was deleted meanwhile, or all its pictures were
        user.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// Deletes a stored picture that was not put into use. If the response to the commit was lost, the row shows that
    /// the picture is in use, and it is kept.
    async fn abandon(&self, key: &MediaKey) {
        match self.store.media_file_abandon(key.as_str(), self.clock.now()).await {
            Ok(true) => self.delete_object(key).await,
            Ok(false) => {}
            Err(cause) => tracing::warn!(%cause, "an unused picture could not be marked: it is deleted later"),
        }
    }

    /// Deletes the object of an unused picture. Its row is removed later, after the object was deleted again.
    async fn delete_object(&self, key: &MediaKey) {
        if let Err(cause) = self.media.delete(key).await {
            tracing::warn!(%cause, "an unused picture could not be deleted: it is tried again");
        }
    }
}

fn refusal(error: DecodeError) -> ApiError {
    match error {
        DecodeError::Picture(reason) => ApiError::new(Code::BadUserInput).detail(reason.to_string()),
        DecodeError::Overloaded => Code::Overloaded.into(),
        DecodeError::Panicked => ApiError::internal(error),
    }
}
