//! Pictures of users: uploaded, served, and deleted once they are no longer in use.

mod check;
mod delete;
mod upload;

use super::Accounts;
use crate::{
    error::ApiError,
    media::{MediaKey, StoredPicture},
};

impl Accounts {
    /// A stored picture; `None` where there is none of the name.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn picture(&self, key: &MediaKey) -> Result<Option<StoredPicture>, ApiError> {
        self.media.get(key).await.map_err(ApiError::internal)
    }
}
