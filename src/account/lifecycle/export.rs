//! Exports everything that is stored about a user, for that user.

use entity::UserId;

use crate::{account::Accounts, error::ApiError, store::UserRows};

/// The most sessions in the response to a user: the newest. 300 with the longest texts take 430 KB; the largest response
/// has 512 KiB.
const MAX_SESSIONS: usize = 300;

/// Everything that is stored about a user.
#[derive(Debug)]
pub struct AccountExport {
    /// The rows.
    pub rows: UserRows,
    /// Their telephone number in plain text (E.164); the rows contain it encrypted.
    pub phone_number: Option<String>,
    /// How many sessions, older than those in the rows, are left out.
    pub older_sessions: usize,
}

impl Accounts {
    /// Everything that is stored about the caller `id`, with the newest 300 sessions.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn export(&self, id: UserId) -> Result<AccountExport, ApiError> {
        self.limits.user(id).await?;
        let export = self.export_of(id).await?;
        let mut export = export.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?;
        export.older_sessions = export.rows.sessions.len().saturating_sub(MAX_SESSIONS);
        export.rows.sessions.drain(..export.older_sessions);
        Ok(export)
    }

    /// Everything that is stored about a user. `None` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_of(&self, id: UserId) -> Result<Option<AccountExport>, ApiError> {
        let Some(rows) = self.store.user_rows(id, self.clock.now()).await? else { return Ok(None) };
        let phone_number = self.phone_number_of(&rows.user)?;
        Ok(Some(AccountExport { rows, phone_number, older_sessions: 0 }))
    }
}
