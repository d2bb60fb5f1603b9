//! An account is deleted: its user asks for it and may take it back during the grace period, and housekeeping removes
//! everything when the time has come.

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

/// Accounts looked up at once, and ended sessions removed by one statement.
const BATCH: u64 = 100;

/// Pause between accounts: requests come first.
const PAUSE: Duration = Duration::from_millis(10);

/// What came of asking for the deletion.
#[derive(Debug)]
pub enum Deletion {
    /// The account will be deleted at this moment.
    Scheduled(Timestamp),
    /// Nothing was changed.
    Refused(Refusal),
}

/// Whether what was removed may still be in the log of the database.
#[derive(Debug)]
pub(in crate::account) struct Remnants(AtomicBool);

impl Default for Remnants {
    /// The process before may have been stopped between the two.
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Accounts {
    /// Schedules the deletion of the caller's account. The proof is a code of the mini program that the caller is signed in
    /// to, which no login has used. Asking again does not postpone it.
    ///
    /// # Errors
    /// Those of a login; `CODE_USED` for a code that a login used; `UNAUTHENTICATED` where the account is gone.
    pub async fn delete_account(
        self: &Arc<Self>,
        (caller, session): (UserId, SessionId),
        client: &Client,
        code: &str,
    ) -> Result<Deletion, ApiError> {
        let app_id = self.identity_of_session(session).await?.app_id;
        let proven = self.prove_identity(caller, client, (code, Some(&app_id))).await?;
        let found = self.store.identity_by_openid(&proven.app_id, &proven.openid).await?;
        if found.is_none_or(|(identity, _)| identity.user_id != caller) {
            return Ok(Deletion::Refused(Refusal::WrongPerson));
        }
        let deletes_at = self.schedule_deletion(caller).await?;
        deletes_at.map(Deletion::Scheduled).ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// Schedules the deletion of an account, unless it is already, and tells when it will be deleted. `None` where there is
    /// no such user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn schedule_deletion(&self, id: UserId) -> Result<Option<Timestamp>, ApiError> {
        let now = self.clock.now();
        let user = self.store.user_schedule_deletion(id, now + self.deletion_grace, now).await?;
        self.invalidate(id, Change::UserChanged);
        let deletes_at = user.and_then(|user| user.deletes_at);
        if deletes_at.is_some() {
            tracing::info!(user = %id.0, "the deletion of an account was asked for");
        }
        Ok(deletes_at)
    }

    /// Takes back the deletion of a user's account; without one it changes nothing.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` where the account is gone.
    pub async fn cancel_deletion(&self, id: UserId) -> Result<user::Model, ApiError> {
        self.limits.user(id).await?;
        let user = self.store.user_cancel_deletion(id, self.clock.now()).await?;
        self.invalidate(id, Change::UserChanged);
        user.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }

    /// Deletes an account at once. `false` where there is no such user.
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
        self.clear_remnants().await?;
        Ok(true)
    }

    /// Deletes the accounts that are due. Several nodes may do so at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_accounts(&self) -> Result<(), DbErr> {
        let now = self.clock.now();
        let mut storage_answers = true;
        loop {
            let due = self.store.users_due(now, BATCH).await?;
            let mut failed = Ok(());
            for id in &due {
                // one that fails holds up no other
                failed = failed.and(self.purge_account(*id, now).await);
                // with a storage that does not answer, the sweeper of pictures does it: the accounts do not wait
                storage_answers = storage_answers && self.delete_replaced(*id).await;
                sleep(PAUSE).await;
            }
            if failed.is_err() || (due.len() as u64) < BATCH {
                return failed.and(self.clear_remnants().await);
            }
        }
    }

    async fn purge_account(&self, id: UserId, now: Timestamp) -> Result<(), DbErr> {
        // those that ended before, so that the transaction is a short one
        while self.store.sessions_purge_of(id, BATCH).await? == BATCH {
            sleep(PAUSE).await;
        }
        let Some(ended) = self.store.user_purge(id, now).await? else { return Ok(()) };
        self.remnants.0.store(true, Ordering::Release);
        self.invalidate_ended(id, &ended, EndReason::Deleted);
        self.invalidate(id, Change::UserChanged);
        tracing::info!(user = %id.0, "an account was deleted");
        Ok(())
    }

    /// Takes what was removed out of the database's log. Where somebody reads just then, the next run does it.
    async fn clear_remnants(&self) -> Result<(), DbErr> {
        if self.remnants.0.swap(false, Ordering::AcqRel) && !self.store.checkpoint().await? {
            self.remnants.0.store(true, Ordering::Release);
        }
        Ok(())
    }
}
