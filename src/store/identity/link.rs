//! Links a proven identity to a user.

use entity::{UserId, identity};
use sea_orm::DbErr;

use super::claim::{
    ProvenIdentity, identity_claim_in, session_key_update_in, union_conflict_upsert_in, union_link_claim_in,
};
use crate::store::{
    Store,
    database::{Connection, TransactionEnd},
    user_lock::user_lock_in,
};

/// The result of linking an identity.
#[derive(Clone, Debug)]
pub enum Linked {
    /// The identity belongs to the user, newly or already.
    Done(identity::Model),
    /// The identity or its unionid belongs to this other user. Nothing was written.
    Taken(UserId),
    /// The user does not exist. Nothing was written.
    Gone,
}

impl Store {
    /// Links an identity to `user`, unless it belongs to another user: either the identity itself, or the unionid of a
    /// new identity.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_link(&self, user: UserId, proven: &ProvenIdentity) -> Result<Linked, DbErr> {
        let proven = proven.clone();
        self.db.transaction_with_end(move |tx| identity_link_in(tx, user, proven.clone())).await
    }
}

async fn identity_link_in(
    tx: Connection,
    user: UserId,
    proven: ProvenIdentity,
) -> Result<TransactionEnd<Linked>, DbErr> {
    if !user_lock_in(&tx, user).await? {
        return Ok(TransactionEnd::RollBack(Linked::Gone));
    }
    let identity = identity_claim_in(&tx, &proven, user).await?;
    let identity = identity.ok_or_else(|| DbErr::RecordNotFound("the identity just written".to_owned()))?;
    if identity.user_id != user {
        return Ok(TransactionEnd::RollBack(Linked::Taken(identity.user_id)));
    }
    session_key_update_in(&tx, &proven, (identity.id, user)).await?;
    match union_link_claim_in(&tx, &proven, user).await? {
        Some(owner) if owner != user && identity.id == proven.new_identity => {
            return Ok(TransactionEnd::RollBack(Linked::Taken(owner)));
        }
        Some(owner) if owner != user => union_conflict_upsert_in(&tx, &proven, identity.id).await?,
        _ => {}
    }
    Ok(TransactionEnd::Commit(Linked::Done(identity)))
}
