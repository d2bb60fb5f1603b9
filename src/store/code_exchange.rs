//! Who trades a login code, and what came of it. Each step is one statement that decides between nodes: nobody holds a
//! lock, or a transaction, while WeChat is asked.

use entity::{
    CodeHash, Sealed, Timestamp,
    code_exchange::{ActiveModel, Column, Entity, Model},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, SqlErr, sea_query::Expr};

use super::{Store, transaction::is_conflict};

/// The right to trade a code. It is lost to whoever takes it over once its time is up.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The code.
    pub code: CodeHash,
    /// When its time is up.
    pub until: Timestamp,
}

impl Store {
    /// Claims a code; `false` where it has a row already. Most codes are new, so this is done without looking first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_claim(&self, claim: &Claim) -> Result<bool, DbErr> {
        let row = ActiveModel { code_hash: Set(claim.code.clone()), outcome: Set(None), expires_at: Set(claim.until) };
        match Entity::insert(row).exec_without_returning(&self.db).await {
            Ok(_) => Ok(true),
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What is known of a code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange(&self, code: &CodeHash) -> Result<Option<Model>, DbErr> {
        Entity::find_by_id(code.clone()).one(&self.db).await
    }

    /// Turns a row whose time is up into a claim. Of many that try at once the database lets one through: the answer
    /// tells whether it was this one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_take_over(&self, expired: &Model, claim: &Claim) -> Result<bool, DbErr> {
        let held = Claim { code: expired.code_hash.clone(), until: expired.expires_at };
        self.replace(&held, None, claim.until).await
    }

    /// Keeps what came of a claim; `false` where the claim has been lost.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_keep(&self, claim: &Claim, outcome: Sealed, until: Timestamp) -> Result<bool, DbErr> {
        self.replace(claim, Some(outcome), until).await
    }

    /// Gives a claim back, so that anybody may trade the code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_release(&self, claim: &Claim) -> Result<bool, DbErr> {
        let delete = Entity::delete_by_id(claim.code.clone()).filter(Column::ExpiresAt.eq(claim.until));
        Ok(delete.exec(&self.db).await?.rows_affected == 1)
    }

    /// Removes at most `limit` rows whose time was up by `before`, and tells how many those were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchanges_purge(&self, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
        let expired = Column::ExpiresAt.lte(before);
        // read first: MySQL deletes no rows a limited subquery names
        let codes = Entity::find().select_only().column(Column::CodeHash).filter(expired.clone()).limit(limit);
        let codes: Vec<CodeHash> = codes.into_tuple().all(&self.db).await?;
        if codes.is_empty() {
            return Ok(0);
        }
        let delete = Entity::delete_many().filter(Column::CodeHash.is_in(codes)).filter(expired);
        Ok(delete.exec(&self.db).await?.rows_affected)
    }

    async fn replace(&self, held: &Claim, outcome: Option<Sealed>, until: Timestamp) -> Result<bool, DbErr> {
        let update = Entity::update_many()
            .col_expr(Column::Outcome, Expr::value(outcome))
            .col_expr(Column::ExpiresAt, Expr::value(until))
            .filter(Column::CodeHash.eq(held.code.clone()))
            .filter(Column::ExpiresAt.eq(held.until));
        Ok(update.exec(&self.db).await?.rows_affected == 1)
    }
}

/// Whether another node was faster. On MySQL three that insert one key may also meet in a deadlock.
fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) || is_conflict(error)
}
