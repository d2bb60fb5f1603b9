//! Everything that is stored about a user, for that user to read.

use entity::UserId;

use crate::{account::Accounts, error::ApiError, store::UserRows};

/// The most sessions in the answer to a user: the newest, so that it stays within the largest response.
const SESSIONS: usize = 500;

/// All that is stored about a user.
#[derive(Debug)]
pub struct AccountExport {
    /// The rows.
    pub rows: UserRows,
    /// Their telephone number (E.164), which the rows hold encrypted.
    pub phone_number: Option<String>,
    /// How many sessions, older than those in the rows, are left out.
    pub older_sessions: usize,
}

impl Accounts {
    /// All that is stored about the caller, who is `id`; of their sessions the newest 500.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` where the account is gone.
    pub async fn export(&self, id: UserId) -> Result<AccountExport, ApiError> {
        self.limits.user(id).await?;
        let export = self.export_of(id).await?;
        let mut export = export.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?;
        export.older_sessions = export.rows.sessions.len().saturating_sub(SESSIONS);
        export.rows.sessions.drain(..export.older_sessions);
        Ok(export)
    }

    /// All that is stored about a user. `None` where there is no such user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_of(&self, id: UserId) -> Result<Option<AccountExport>, ApiError> {
        let Some(rows) = self.store.user_rows(id, self.clock.now()).await? else { return Ok(None) };
        let phone_number = self.phone_number_of(&rows.user)?;
        Ok(Some(AccountExport { rows, phone_number, older_sessions: 0 }))
    }
}
