//! Deletes accounts. A user requests the deletion and may cancel it during the grace period; afterwards housekeeping
//! removes everything about the user.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use entity::{SessionId, Timestamp, UserId, session::EndReason, user};
use tokio::time::sleep;

use crate::{
    account::{Accounts, Client, Refusal},
    error::ApiError,
    store::{Change, DbErr},
};

/// Accounts read by one query, and ended sessions removed by one statement.
const BATCH: u64 = 100;

/// Pause between accounts, so that requests have priority.
const PAUSE: Duration = Duration::from_millis(10);

/// The result of requesting the deletion.
#[derive(Debug)]
pub enum Deletion {
    /// The account will be deleted at this time.
    Scheduled(Timestamp),
    /// Nothing was changed.
    Refused(Refusal),
}

/// Whether deleted rows may still be in the write-ahead log of SQLite, so that a checkpoint is due.
#[derive(Debug)]
pub(in crate::account) struct CheckpointDue(AtomicBool);

impl Default for CheckpointDue {
    /// `true`, because the previous process may have stopped between the deletion and the checkpoint.
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Accounts {
    /// Schedules the deletion of the caller's account. The caller proves their identity by an unused login code of the
    /// mini program they are signed in to. A second request does not postpone the deletion.
    ///
    /// # Errors
    /// Those of a login; `CODE_USED` if a login has used the code; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn delete_account(
        self: &Arc<Self>,
        (caller, session): (UserId, SessionId),
        client: &Client,
        code: &str,
    ) -> Result<Deletion, ApiError> {
        let app_id = self.identity_of_session(caller, session).await?.app_id;
        let proven = self.prove_identity(caller, client, (code, Some(&app_id))).await?;
        let found = self.store.identity_by_openid(&proven.app_id, &proven.openid).await?;
        if found.is_none_or(|(identity, _)| identity.user_id != caller) {
            return Ok(Deletion::Refused(Refusal::WrongPerson));
        }
        let deletes_at = self.schedule_deletion(caller).await?;
        deletes_at.map(Deletion::Scheduled).ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// Schedules the deletion of an account unless it is scheduled already, and returns its time. `None` if the user
    /// does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn schedule_deletion(&self, id: UserId) -> Result<Option<Timestamp>, ApiError> {
        let now = self.clock.now();
        let user = self.store.user_schedule_deletion(id, now + self.deletion_grace, now).await?;
        self.invalidate(id, Change::UserChanged);
        let deletes_at = user.and_then(|user| user.deletes_at);
        if deletes_at.is_some() {
            tracing::info!(user = %id.0, "the deletion of an account was scheduled");
        }
        Ok(deletes_at)
    }

    /// Cancels the deletion of a user's account. Does nothing if none is scheduled.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn cancel_deletion(&self, id: UserId) -> Result<user::Model, ApiError> {
        self.limits.user(id).await?;
        let user = self.store.user_cancel_deletion(id, self.clock.now()).await?;
        self.invalidate(id, Change::UserChanged);
        user.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// Deletes an account immediately. `false` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_now(&self, id: UserId) -> Result<bool, ApiError> {
        let now = self.clock.now();
        if self.store.user_make_due(id, now).await?.is_none() {
            return Ok(false);
        }
        self.purge_account(id, now).await?;
        self.delete_replaced(id).await;
        self.checkpoint_if_due().await?;
        Ok(true)
    }

    /// Deletes the accounts that are due. Several nodes may do so at the same time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_accounts(&self) -> Result<(), DbErr> {
        let now = self.clock.now();
        let mut storage_available = true;
        loop {
            let due = self.store.users_due(now, BATCH).await?;
            let mut failed = Ok(());
            for id in &due {
                // a failure does not delay the other accounts
                failed = failed.and(self.purge_account(*id, now).await);
                // if the storage fails, housekeeping deletes the pictures later; the accounts do not wait for that
                storage_available = storage_available && self.delete_replaced(*id).await;
                sleep(PAUSE).await;
            }
            if failed.is_err() || (due.len() as u64) < BATCH {
                return failed.and(self.checkpoint_if_due().await);
            }
        }
    }

    async fn purge_account(&self, id: UserId, now: Timestamp) -> Result<(), DbErr> {
        // removes sessions that ended earlier first, to keep the transaction short
        while self.store.sessions_purge_of(id, BATCH).await? == BATCH {
            sleep(PAUSE).await;
        }
        let Some(ended) = self.store.user_purge(id, now).await? else { return Ok(()) };
        self.checkpoint_due.0.store(true, Ordering::Release);
        self.invalidate_ended(id, &ended, EndReason::Deleted);
        self.invalidate(id, Change::UserChanged);
        tracing::info!(user = %id.0, "an account was deleted");
        Ok(())
    }

    /// Runs the checkpoint if one is due. If a reader prevents it, the next run tries again.
    async fn checkpoint_if_due(&self) -> Result<(), DbErr> {
        if self.checkpoint_due.0.swap(false, Ordering::AcqRel) && !self.store.checkpoint().await? {
            self.checkpoint_due.0.store(true, Ordering::Release);
        }
        Ok(())
    }
}
