//! An operator suspends an account, or reinstates it.

use entity::{
    UserId,
    user::{self, Status},
};

use crate::{
    account::Accounts,
    error::{ApiError, Code},
    store::Change,
};

impl Accounts {
    /// Suspends an account: its sessions end on every node, and nobody logs in to it. Tells how many sessions ended;
    /// `None` where there is no such user. A second call ends nothing more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suspend(&self, id: UserId) -> Result<Option<usize>, ApiError> {
        let ended = self.store.user_set_status(id, Status::Suspended, self.clock.now()).await?;
        self.invalidate(id, Change::UserChanged);
        Ok(ended.map(|ended| ended.len()))
    }

    /// Reinstates an account. Sessions that ended stay ended: the user logs in again. `false` where there is no such
    /// user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reinstate(&self, id: UserId) -> Result<bool, ApiError> {
        let found = self.store.user_set_status(id, Status::Active, self.clock.now()).await?;
        self.invalidate(id, Change::UserChanged);
        Ok(found.is_some())
    }
}

/// Refuses a suspended user: no session is issued and none is served.
pub(in crate::account) fn refuse_suspended(user: &user::Model) -> Result<(), ApiError> {
    match user.status {
        Status::Active => Ok(()),
        Status::Suspended => Err(Code::AccountSuspended.into()),
    }
}
