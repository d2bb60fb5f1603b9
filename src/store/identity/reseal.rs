//! Re-encrypts columns with another key, while servers may write them.

use std::sync::Arc;

use entity::{IdentityId, Sealed, identity};
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};

use crate::store::{Store, database::Connection};

/// An identity as it was read, and the new values of its encrypted columns.
#[derive(Clone, Debug)]
pub struct ResealedIdentity {
    /// The row that was read.
    pub read: identity::Model,
    /// The re-encrypted session key.
    pub session_key: Sealed,
    /// The re-encrypted previous session key.
    pub previous_session_key: Option<Sealed>,
}

impl Store {
    /// Identities with a value that does not begin with `prefix`, the prefix of the newest key, in the order of their
    /// keys: at most `limit` of those after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identities_not_sealed_by(
        &self,
        prefix: &[u8],
        after: Option<IdentityId>,
        limit: u64,
    ) -> Result<Vec<identity::Model>, DbErr> {
        let otherwise = Condition::any()
            .add(lacks_prefix(identity::Column::SessionKey, prefix))
            .add(lacks_prefix(identity::Column::PreviousSessionKey, prefix));
        let identities = identity::Entity::find()
            .filter(otherwise)
            .filter(Condition::all().add_option(after.map(|after| identity::Column::Id.gt(after))))
            .order_by_asc(identity::Column::Id)
            .limit(limit);
        self.db.all(identities).await
    }

    /// Writes a batch, each identity only if its columns still contain the values that were read, and returns the
    /// number of identities written. A concurrent login stores a newer session key, which must not be overwritten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identities_reseal(&self, batch: &[ResealedIdentity]) -> Result<u64, DbErr> {
        let batch: Arc<[ResealedIdentity]> = batch.into();
        self.db.transaction(move |tx| identities_reseal_in(tx, Arc::clone(&batch))).await
    }
}

async fn identities_reseal_in(tx: Connection, batch: Arc<[ResealedIdentity]>) -> Result<u64, DbErr> {
    let mut written = 0;
    for identity in &*batch {
        written += u64::from(identity_reseal_in(&tx, identity).await?);
    }
    Ok(written)
}

async fn identity_reseal_in(tx: &Connection, identity: &ResealedIdentity) -> Result<bool, DbErr> {
    use identity::Column::{Id, PreviousSessionKey, SessionKey};
    let previous = match &identity.read.previous_session_key {
        Some(read) => PreviousSessionKey.eq(read.clone()),
        None => PreviousSessionKey.is_null(),
    };
    let update = identity::Entity::update_many()
        .col_expr(SessionKey, Expr::value(identity.session_key.clone()))
        .col_expr(PreviousSessionKey, Expr::value(identity.previous_session_key.clone()))
        .filter(Id.eq(identity.read.id))
        .filter(SessionKey.eq(identity.read.session_key.clone()))
        .filter(previous);
    Ok(update.exec(tx).await?.rows_affected == 1)
}

/// The condition that a column does not begin with `prefix`. False for NULL.
pub(in crate::store) fn lacks_prefix(column: impl ColumnTrait, prefix: &[u8]) -> Expr {
    let length = i32::try_from(prefix.len()).unwrap_or(i32::MAX);
    Expr::expr(Func::cust("substr").arg(Expr::col(column.as_column_ref())).arg(1).arg(length)).ne(prefix)
}
