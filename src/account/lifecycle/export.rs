//! Exports everything that is stored about a user, for that user.

use entity::UserId;

use crate::{account::Accounts, error::ApiError, store::UserRows};

/// Everything that is stored about a user.
#[derive(Debug)]
pub struct AccountExport {
    /// The rows.
    pub rows: UserRows,
    /// Their telephone number in plain text (E.164); the rows contain it encrypted.
    pub phone_number: Option<String>,
}

impl Accounts {
    /// Everything that is stored about the caller `id`.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn export(&self, id: UserId) -> Result<AccountExport, ApiError> {
        self.limits.user(id).await?;
        self.export_of(id).await?.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// Everything that is stored about a user. `None` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_of(&self, id: UserId) -> Result<Option<AccountExport>, ApiError> {
        let Some(rows) = self.store.user_rows(id, self.clock.now()).await? else { return Ok(None) };
        let phone_number = self.phone_number_of(&rows.user)?;
        Ok(Some(AccountExport { rows, phone_number }))
    }
}
