//! Sets the role of an account, on behalf of an operator.

use entity::{UserId, user::Role};

use crate::{account::Accounts, error::ApiError, store::Change};

impl Accounts {
    /// Sets the role of an account, and invalidates cached sessions on every node. `false` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_role(&self, id: UserId, role: Role) -> Result<bool, ApiError> {
        let found = self.store.user_set_role(id, role, self.clock.now()).await?;
        self.invalidate(id, Change::UserChanged);
        if found {
            tracing::info!(user = %id.0, ?role, "an operator set the role of an account");
        }
        Ok(found)
    }
}
