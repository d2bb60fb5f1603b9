//! Suspends and reinstates accounts, on behalf of an operator.

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
    /// Suspends an account: ends its sessions on every node and refuses its logins. Returns the number of sessions
    /// ended; `None` if the user does not exist. A second call ends no further sessions.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suspend(&self, id: UserId) -> Result<Option<usize>, ApiError> {
        let ended = self.store.user_set_status(id, Status::Suspended, self.clock.now()).await?;
        self.invalidate(id, Change::UserChanged);
        Ok(ended.map(|ended| ended.len()))
    }

    /// Reinstates an account. Ended sessions stay ended: the user must log in again. `false` if the user does not
    /// exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reinstate(&self, id: UserId) -> Result<bool, ApiError> {
        let found = self.store.user_set_status(id, Status::Active, self.clock.now()).await?;
        self.invalidate(id, Change::UserChanged);
        Ok(found.is_some())
    }
}

/// Refuses a suspended user: their sessions are neither issued nor accepted.
pub(in crate::account) fn refuse_suspended(user: &user::Model) -> Result<(), ApiError> {
    match user.status {
        Status::Active => Ok(()),
        Status::Suspended => Err(Code::AccountSuspended.into()),
    }
}
