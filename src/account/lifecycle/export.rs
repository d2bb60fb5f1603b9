//! Everything that is stored about a user, for that user to read.

use entity::UserId;

use crate::{account::Accounts, error::ApiError, store::UserRows};

/// All that is stored about a user.
#[derive(Debug)]
pub struct AccountExport {
    /// The rows.
    pub rows: UserRows,
    /// Their telephone number (E.164), which the rows hold encrypted.
    pub phone_number: Option<String>,
}

impl Accounts {
    /// All that is stored about the caller, who is `id`.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` where the account is gone.
    pub async fn export(&self, id: UserId) -> Result<AccountExport, ApiError> {
        self.limits.user(id).await?;
        self.export_of(id).await?.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// All that is stored about a user. `None` where there is no such user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_of(&self, id: UserId) -> Result<Option<AccountExport>, ApiError> {
        let Some(rows) = self.store.user_rows(id, self.clock.now()).await? else { return Ok(None) };
        let phone_number = self.phone_number_of(&rows.user)?;
        Ok(Some(AccountExport { rows, phone_number }))
    }
}
