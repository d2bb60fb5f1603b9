//! What an operator does to an account: closes it, opens it again.

use entity::{UserId, user::Status};

use super::Accounts;
use crate::{error::ApiError, store::Change};

impl Accounts {
    /// Closes an account: its sessions end on every node, and nobody logs in to it. Tells how many sessions those were;
    /// `None` where there is no such user. A second time ends nothing more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suspend(&self, id: UserId) -> Result<Option<usize>, ApiError> {
        let ended = self.store.user_set_status(id, Status::Suspended, self.clock.now()).await?;
        self.heed(id, Change::UserChanged);
        Ok(ended.map(|ended| ended.len()))
    }

    /// Opens an account again. Sessions that ended stay ended: the user logs in anew. `false` where there is no such
    /// user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reinstate(&self, id: UserId) -> Result<bool, ApiError> {
        let found = self.store.user_set_status(id, Status::Active, self.clock.now()).await?;
        self.heed(id, Change::UserChanged);
        Ok(found.is_some())
    }
}
