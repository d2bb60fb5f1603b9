//! Links another identity to the caller's account: of another mini program, or of another WeChat account of the same
//! person.

use std::{sync::Arc, time::Duration};

use entity::{IdentityId, UserId, identity, merge_ticket, user};
use secrecy::SecretString;

use super::ticket;
use crate::{
    account::{Accounts, Client, Refusal, SignedIn},
    error::ApiError,
    store::{Linked, ProvenIdentity},
};

/// The lifetime of a merge ticket.
const TICKET_TTL: Duration = Duration::from_mins(10);

/// The result of linking an identity.
#[derive(Debug)]
pub enum IdentityLink {
    /// The identity is linked to the caller.
    Done(identity::Model),
    /// The identity belongs to another account. The ticket permits the caller to merge the two.
    Taken(SecretString),
}

impl Accounts {
    /// Links the identity proved by a login code to the caller. An identity that is already linked to the caller stays
    /// so. One that belongs to another account, by itself or by its unionid, is not moved.
    ///
    /// # Errors
    /// Those of a login; `CODE_USED` if a login has used the code; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn link_identity(
        self: &Arc<Self>,
        caller: &SignedIn,
        client: &Client,
        code: (&str, Option<&str>),
    ) -> Result<IdentityLink, ApiError> {
        let user = caller.user.id;
        let proven = self.prove_identity(user, client, code).await?;
        match self.store.identity_link(user, &proven).await? {
            Linked::Done(identity) => {
                tracing::info!(app = proven.app_id, user = %user.0, "an identity was linked");
                Ok(IdentityLink::Done(identity))
            }
            Linked::Taken(other) => self.merge_ticket(user, other, &proven).await.map(IdentityLink::Taken),
            Linked::Gone => Err(ApiError::unauthenticated("REVOKED")),
        }
    }

    /// Issues a ticket to merge the caller's account with the one that owns the proven identity or its unionid. The
    /// ticket refers to an identity of that account.
    async fn merge_ticket(
        &self,
        caller: UserId,
        other: UserId,
        proven: &ProvenIdentity,
    ) -> Result<SecretString, ApiError> {
        let identity = self.identity_of_other(other, proven).await?;
        let (ticket, hash) = ticket::new();
        let row = merge_ticket::Model {
            ticket_hash: hash,
            user_id: caller,
            identity_id: identity,
            expires_at: proven.now + TICKET_TTL,
        };
        self.store.merge_ticket_insert(&row).await?;
        Ok(ticket)
    }

    async fn identity_of_other(&self, other: UserId, proven: &ProvenIdentity) -> Result<IdentityId, ApiError> {
        let of_other = self.store.identities_of(other).await?;
        let is_proven = |row: &&identity::Model| row.app_id == proven.app_id && row.openid == proven.openid;
        let identity = of_other.iter().find(is_proven).or_else(|| of_other.first());
        // the other account was deleted meanwhile: the ticket will be refused
        Ok(identity.map_or(proven.new_identity, |row| row.id))
    }

    /// The current row of the caller.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the account no longer exists.
    pub async fn current_user(&self, caller: &SignedIn) -> Result<user::Model, ApiError> {
        let user = self.store.user(caller.user.id).await?;
        user.ok_or_else(|| ApiError::unauthenticated("REVOKED"))
    }
}

impl IdentityLink {
    /// The user error of this result, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Done(_) => None,
            Self::Taken(_) => Some(Refusal::IdentityTaken),
        }
    }
}
