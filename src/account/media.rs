//! Pictures of users: upload, retrieval, content check, and deletion of unused ones.

mod check;
mod delete;
mod upload;

use super::Accounts;
use crate::{
    error::ApiError,
    media::{MediaKey, StoredPicture},
};

impl Accounts {
    /// A stored picture; `None` if it does not exist.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn picture(&self, key: &MediaKey) -> Result<Option<StoredPicture>, ApiError> {
        self.media.get(key).await.map_err(ApiError::internal)
    }
}
