//! Who trades a login code, and what came of it. Each step is one statement that decides between nodes: nobody holds a
//! lock, or a transaction, while WeChat is asked.

use std::{collections::HashSet, time::Duration};

use entity::{
    CodeHash, Sealed, Timestamp,
    code_exchange::{ActiveModel, Column, Entity, Model},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryResult, QuerySelect, SqlErr,
    sea_query::Expr,
    sqlx::{self, Postgres, postgres::PgArguments, query::Query},
};

use super::{
    Store,
    batch::{Answers, Batches, is_refusal},
    connections::{Connections, Shelf},
    transaction::is_conflict,
};

/// Claims many codes, and tells which of them had no row. In one order, so that two nodes never wait for each other.
const CLAIM: &str = "
INSERT INTO code_exchanges (code_hash, expires_at) SELECT * FROM unnest($1::bytea[], $2::bigint[]) ORDER BY 1
ON CONFLICT DO NOTHING RETURNING code_hash";

/// Keeps the outcomes of many claims, and tells which of them were still held.
const KEEP: &str = "
UPDATE code_exchanges SET outcome = told.outcome, expires_at = told.until
FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bigint[]) AS told (code_hash, held_until, outcome, until)
WHERE code_exchanges.code_hash = told.code_hash AND code_exchanges.expires_at = told.held_until
RETURNING code_exchanges.code_hash";

/// How long outcomes gather. Another node looks for one at most every ten times as long.
const GATHER: Duration = Duration::from_millis(5);

/// The right to trade a code. It is lost to whoever takes it over once its time is up.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The code.
    pub code: CodeHash,
    /// When its time is up.
    pub until: Timestamp,
}

/// An outcome to be kept.
#[derive(Debug)]
pub(super) struct Kept {
    claim: Claim,
    outcome: Vec<u8>,
    until: Timestamp,
}

/// Claims codes, where the database can say of many which were free (PostgreSQL).
pub(super) fn claims(db: &Connections) -> Option<Batches<Claim, bool>> {
    let shelf = db.postgres()?;
    Some(Batches::new(move |claims: Vec<Claim>| {
        let until: Vec<_> = claims.iter().map(|claim| claim.until.0).collect();
        let codes: Vec<_> = claims.into_iter().map(|claim| claim.code.0).collect();
        done(&shelf, &codes, sqlx::query(CLAIM).bind(codes.clone()).bind(until))
    }))
}

/// Keeps outcomes, on the same terms.
pub(super) fn outcomes(db: &Connections) -> Option<Batches<Kept, bool>> {
    let shelf = db.postgres()?;
    Some(Batches::gathering(GATHER, move |kept: Vec<Kept>| {
        let held: Vec<_> = kept.iter().map(|it| it.claim.until.0).collect();
        let until: Vec<_> = kept.iter().map(|it| it.until.0).collect();
        let (codes, outcomes): (Vec<_>, Vec<_>) = kept.into_iter().map(|it| (it.claim.code.0, it.outcome)).unzip();
        done(&shelf, &codes, sqlx::query(KEEP).bind(codes.clone()).bind(held).bind(outcomes).bind(until))
    }))
}

/// For which of the codes a statement did its work: it gives back those.
fn done(shelf: &Shelf<Postgres>, codes: &[Vec<u8>], statement: PgQuery) -> Answers<bool> {
    let (shelf, codes) = (shelf.clone(), codes.to_vec());
    Box::pin(async move {
        let rows = shelf.fetch_all(statement).await?.into_iter().map(QueryResult::from);
        let mut done: HashSet<Vec<u8>> = rows.map(|row| row.try_get("", "code_hash")).collect::<Result<_, _>>()?;
        Ok(codes.iter().map(|code| done.remove(code)).collect())
    })
}

/// A statement that gives back codes.
type PgQuery = Query<'static, Postgres, PgArguments>;

impl Store {
    /// Claims a code; `false` where it has a row already. Most codes are new, so this is done without looking first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_claim(&self, claim: &Claim) -> Result<bool, DbErr> {
        if let Some(claims) = &self.batches.claims {
            match claims.ask(claim.clone()).await {
                // the fault may be another claim's
                Err(error) if is_refusal(&error) => {}
                outcome => return outcome,
            }
        }
        // in a box of its own, so that the usual way does not carry its room along
        Box::pin(self.claim_alone(claim)).await
    }

    async fn claim_alone(&self, claim: &Claim) -> Result<bool, DbErr> {
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
        if let Some(outcomes) = &self.batches.outcomes {
            return outcomes.ask(Kept { claim: claim.clone(), outcome: outcome.0, until }).await;
        }
        Box::pin(self.replace(claim, Some(outcome), until)).await
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
