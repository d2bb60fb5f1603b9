//! Merges two accounts into the older one. The id of the younger account then resolves to the older account.

use std::cmp::Reverse;

use entity::{IdentityId, Sealed, SessionId, TicketHash, Timestamp, UserId, session::EndReason, user};

use super::ticket;
use crate::{
    account::{Accounts, Refusal, SignedIn},
    error::{ApiError, Code},
    store::{Change, Merge, Merged, UnionConflict},
};

/// Attempts at a merge whose user changes their telephone number at the same time.
const ATTEMPTS: u32 = 3;

/// The result of a merge.
#[derive(Debug)]
pub enum AccountMerge {
    /// The surviving account.
    Done(user::Model),
    /// Nothing was changed.
    Refused(Refusal),
}

impl Accounts {
    /// Merges the caller's account with the account of a merge ticket. The sessions of the younger account end. If that
    /// is the caller's, its client must log in again.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `OVERLOADED` if the telephone number changes during each attempt.
    pub async fn merge_accounts(&self, caller: &SignedIn, ticket: &str) -> Result<AccountMerge, ApiError> {
        let (caller, now) = (caller.user.id, self.clock.now());
        self.limits.user(caller).await?;
        let hash = ticket::hash(ticket);
        let used = AccountMerge::Refused(Refusal::TicketUsed);
        let Some(row) = self.store.merge_ticket(&hash, caller, now).await? else { return Ok(used) };
        let Some(identity) = self.store.identity(row.identity_id).await? else { return Ok(used) };
        let mut users = self.store.users(&[caller, identity.user_id]).await?;
        users.sort_by_key(|user| Reverse((user.created_at, user.id)));
        let [from, into] = &users[..] else { return Ok(used) };
        self.merge((from.id, into.id), Some((hash, caller)), now).await
    }

    /// Merges `from` into `into` on behalf of an operator.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn merge_users(&self, from: UserId, into: UserId) -> Result<AccountMerge, ApiError> {
        self.merge((from, into), None, self.clock.now()).await
    }

    /// Merges, and repeats if the telephone number changed in between: it is encrypted for the surviving user before
    /// the transaction.
    async fn merge(
        &self,
        (from, into): (UserId, UserId),
        ticket: Option<(TicketHash, UserId)>,
        now: Timestamp,
    ) -> Result<AccountMerge, ApiError> {
        for _ in 0..ATTEMPTS {
            let phone = self.phone_for(from, into).await?;
            let merge = Merge { from, into, phone, ticket: ticket.clone(), now };
            match self.store.users_merge(&merge).await? {
                Merged::Done(user, ended) => {
                    self.finish_merge(from, into, &ended);
                    return Ok(AccountMerge::Done(*user));
                }
                Merged::NotActive => return Ok(AccountMerge::Refused(Refusal::NotActive)),
                Merged::Gone => return Ok(AccountMerge::Refused(Refusal::TicketUsed)),
                Merged::PhoneChanged => {}
            }
        }
        Err(Code::Overloaded.into())
    }

    /// The encrypted telephone number of `from`: as stored, and encrypted for `into`.
    async fn phone_for(&self, from: UserId, into: UserId) -> Result<Option<(Sealed, Sealed)>, ApiError> {
        let Some(user) = self.store.user(from).await? else { return Ok(None) };
        let sealed = self.phone_sealed_for(&user, into)?;
        Ok(user.sealed_phone.zip(sealed))
    }

    fn finish_merge(&self, from: UserId, into: UserId, ended: &[SessionId]) {
        self.invalidate_ended(from, ended, EndReason::Merged);
        self.invalidate(from, Change::UserChanged);
        self.invalidate(into, Change::UserChanged);
        tracing::info!(from = %from.0, into = %into.0, "two accounts were merged");
    }

    /// The next conflicts of unionids after `after`, and the key of the last row read. See [`UnionConflict`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn union_conflicts(
        &self,
        after: Option<IdentityId>,
        limit: u64,
    ) -> Result<Option<(Vec<UnionConflict>, IdentityId)>, ApiError> {
        Ok(self.store.union_conflicts(after, limit).await?)
    }
}
