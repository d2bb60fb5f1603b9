//! A user uploads a picture. The order of the steps leaves nothing without a trace, wherever it is cut: the row, the
//! object, one transaction that puts both into use, and then the deletion of what was in use before.

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

/// How long the storage may take to write a picture. Far less than [`super::delete::ABANDONED`].
const PUT_TIMEOUT: Duration = Duration::from_secs(20);

impl Accounts {
    /// Counts a picture that a user is about to upload.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with how long to wait.
    pub async fn count_upload(&self, caller: &SignedIn) -> Result<(), ApiError> {
        self.limits.avatar(caller.user.id).await
    }

    /// Makes the picture of a user out of the bytes of a file. The work goes on where the caller goes away. WeChat may check
    /// the picture once it is in use, by its address under `public_url`.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` where the bytes are no picture that is taken; `OVERLOADED` where too many are being decoded;
    /// `UNAUTHENTICATED` where the account is gone.
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
        // it ends early only where it panics, and the panic is in the log
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
        self.store.media_file_begin(key.as_str(), owner, now).await?;
        if let Err(error) = self.put(&key, avatar).await {
            // the storage may be writing it still: the row stays, and the sweeper deletes the object once more
            self.delete_object(&key).await;
            return Err(error);
        }
        match self.put_into_use(owner, &key).await {
            Ok(user) => {
                self.invalidate(owner, Change::UserChanged);
                self.check_picture(session, owner, &key, public_url);
                self.delete_replaced(owner).await;
                Ok(user)
            }
            Err(error) => {
                self.give_up(&key).await;
                Err(error)
            }
        }
    }

    async fn put(&self, key: &MediaKey, avatar: Avatar) -> Result<(), ApiError> {
        let put = timeout(PUT_TIMEOUT, self.media.put(key, avatar.bytes)).await;
        put.map_err(|_| ApiError::new(Code::Timeout))?.map_err(ApiError::internal)
    }

    async fn put_into_use(&self, owner: UserId, key: &MediaKey) -> Result<user::Model, ApiError> {
        let user = self.store.avatar_set(owner, key.as_str(), &key.path(), self.clock.now()).await?;
        // deleted meanwhile, or everything of the user that is stored
        user.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// Deletes a written picture that did not come into use. It may have: where the answer to the commit was lost, the row
    /// says so and the picture is left alone.
    async fn give_up(&self, key: &MediaKey) {
        match self.store.media_file_give_up(key.as_str(), self.clock.now()).await {
            Ok(true) => self.delete_object(key).await,
            Ok(false) => {}
            Err(cause) => tracing::warn!(%cause, "an unused picture could not be marked: it is deleted later"),
        }
    }

    /// Deletes the object of a picture that is not in use. The row goes later, after the object was deleted once more.
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
