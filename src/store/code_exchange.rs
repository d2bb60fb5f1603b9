//! Claims and outcomes of login codes. Each step is one conditional statement that decides between nodes: no lock and
//! no transaction is held while WeChat is called.

use std::{collections::HashSet, sync::Arc, time::Duration};

use entity::{
    CodeHash, Sealed, Timestamp,
    code_exchange::{ActiveModel, Column, Entity, Model},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryResult, Statement, UpdateMany,
    sea_query::{Expr, OnConflict},
    sqlx::{self, Postgres, postgres::PgArguments, query::Query},
};

use super::{
    Store,
    batcher::{Batcher, Values},
    database::{Connection, Database},
    delete_batch::delete_batch,
    shared_statement::SharedStatement,
};

/// Claims several codes, and returns those that had no row. One order of locks, so that two nodes do not deadlock.
const CLAIM: &str = "
INSERT INTO code_exchanges (code_hash, expires_at) SELECT * FROM unnest($1::bytea[], $2::bigint[]) ORDER BY 1
ON CONFLICT DO NOTHING RETURNING code_hash";

/// Claims one code on a database without `ON CONFLICT`.
const CLAIM_ON_MYSQL: &str = "INSERT IGNORE INTO code_exchanges (code_hash, expires_at) VALUES (?, ?)";

/// Stores the outcomes of several claims, and returns the codes whose claims were still valid.
const STORE_OUTCOMES: &str = "
UPDATE code_exchanges SET outcome = given.outcome, expires_at = given.until
FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bigint[]) AS given (code_hash, claimed_until, outcome, until)
WHERE code_exchanges.code_hash = given.code_hash AND code_exchanges.expires_at = given.claimed_until
RETURNING code_exchanges.code_hash";

/// How long outcomes are collected for a batch. Other nodes poll at ten times this interval.
const GATHER: Duration = Duration::from_millis(5);

/// A claim to exchange a code. Another node may take it over after it has expired.
#[derive(Clone, Debug)]
pub struct CodeClaim {
    /// The code.
    pub code: CodeHash,
    /// When it expires.
    pub until: Timestamp,
}

/// The outcome of a claimed code, stored for repeats.
#[derive(Clone, Debug)]
pub struct CodeOutcome {
    /// The claim. If another node has taken it over, nothing is stored.
    pub claim: CodeClaim,
    /// The outcome, encrypted.
    pub sealed: Sealed,
    /// The end of the window in which repeats get it.
    pub until: Timestamp,
}

/// Claims concurrent codes by one statement, on a database that can return which were free (PostgreSQL).
pub(super) fn claims(db: &Database) -> SharedStatement<CodeClaim, bool> {
    let batcher = || {
        Batcher::new(db, |db, claims: Arc<[CodeClaim]>| {
            let until: Vec<_> = claims.iter().map(|claim| claim.until.0).collect();
            let codes: Vec<_> = claims.iter().map(|claim| claim.code.0.clone()).collect();
            done(db, &codes, sqlx::query(CLAIM).bind(codes.clone()).bind(until))
        })
    };
    SharedStatement::on_postgres(db, batcher)
}

/// Stores concurrent outcomes by one statement (PostgreSQL).
pub(super) fn outcomes(db: &Database) -> SharedStatement<CodeOutcome, bool> {
    let batcher = || {
        Batcher::gathering(db, GATHER, |db, kept: Arc<[CodeOutcome]>| {
            let held: Vec<_> = kept.iter().map(|it| it.claim.until.0).collect();
            let until: Vec<_> = kept.iter().map(|it| it.until.0).collect();
            let codes: Vec<_> = kept.iter().map(|it| it.claim.code.0.clone()).collect();
            let outcomes: Vec<_> = kept.iter().map(|it| it.sealed.0.clone()).collect();
            done(db, &codes, sqlx::query(STORE_OUTCOMES).bind(codes.clone()).bind(held).bind(outcomes).bind(until))
        })
    };
    SharedStatement::on_postgres(db, batcher)
}

/// Runs a statement that returns the codes it changed. Returns for each code whether it was changed.
fn done(db: Connection, codes: &[Vec<u8>], statement: PgQuery) -> Values<bool> {
    let codes = codes.to_vec();
    Box::pin(async move {
        let rows = db.fetch_postgres(statement).await?.into_iter().map(QueryResult::from);
        let mut done: HashSet<Vec<u8>> = rows.map(|row| row.try_get("", "code_hash")).collect::<Result<_, _>>()?;
        Ok(codes.iter().map(|code| done.remove(code)).collect())
    })
}

/// A statement of the PostgreSQL driver.
type PgQuery = Query<'static, Postgres, PgArguments>;

impl Store {
    /// Claims a code; `false` if it already has a row. Most codes are new, so this does not read first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_claim(&self, claim: &CodeClaim) -> Result<bool, DbErr> {
        match self.batchers.claims.submit(claim.clone()).await? {
            Some(won) => Ok(won),
            // boxed to keep the future of the common case small
            None => Box::pin(self.claim_unbatched(claim)).await,
        }
    }

    /// Claims a code by a statement of its own. The statement ignores a duplicate instead of failing, because some
    /// databases return an error message that is not UTF-8 for a duplicate binary key.
    async fn claim_unbatched(&self, claim: &CodeClaim) -> Result<bool, DbErr> {
        if self.db.backend() == DbBackend::MySql {
            // the builder's `ON DUPLICATE KEY UPDATE` reports the same number of rows for an existing row as for a new
            // one
            let values = [claim.code.clone().into(), claim.until.into()];
            let insert = Statement::from_sql_and_values(DbBackend::MySql, CLAIM_ON_MYSQL, values);
            let inserted = self.db.run(move |db| {
                let insert = insert.clone();
                async move { db.execute_raw(insert).await }
            });
            return Ok(inserted.await?.rows_affected() == 1);
        }
        let row = ActiveModel { code_hash: Set(claim.code.clone()), outcome: Set(None), expires_at: Set(claim.until) };
        let insert = Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        Ok(self.db.write(&insert).await? == 1)
    }

    /// The row of a code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange(&self, code: &CodeHash) -> Result<Option<Model>, DbErr> {
        self.db.one(Entity::find_by_id(code.clone())).await
    }

    /// Turns the row that was read into a claim. One of several concurrent calls succeeds; returns whether this one
    /// did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_take_over(&self, expired: &Model, claim: &CodeClaim) -> Result<bool, DbErr> {
        let held = CodeClaim { code: expired.code_hash.clone(), until: expired.expires_at };
        Ok(self.db.write(&replace(&held, None, claim.until)).await? == 1)
    }

    /// Stores the outcome of a claim; `false` if another node has taken the claim over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_store_outcome(&self, outcome: CodeOutcome) -> Result<bool, DbErr> {
        match self.batchers.outcomes.submit(outcome.clone()).await? {
            Some(kept) => Ok(kept),
            None => Ok(self.db.write(&store(&outcome)).await? == 1),
        }
    }

    /// Releases a claim, so that any node may exchange the code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchange_release(&self, claim: &CodeClaim) -> Result<bool, DbErr> {
        let delete = Entity::delete_by_id(claim.code.clone()).filter(Column::ExpiresAt.eq(claim.until));
        Ok(self.db.write(&delete).await? == 1)
    }

    /// Removes at most `limit` rows that had expired by `before`, and returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code_exchanges_purge(&self, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
        let (key, expires_at) = (Column::CodeHash, Column::ExpiresAt);
        let delete = move |db| delete_batch::<Entity, CodeHash>(db, (key, None), expires_at.lte(before), limit);
        self.db.run(delete).await
    }
}

/// Stores the outcome of a claim in the transaction of its login.
pub(super) async fn code_exchange_store_outcome_in(tx: &Connection, outcome: &CodeOutcome) -> Result<(), DbErr> {
    store(outcome).exec(tx).await.map(drop)
}

fn store(outcome: &CodeOutcome) -> UpdateMany<Entity> {
    replace(&outcome.claim, Some(outcome.sealed.clone()), outcome.until)
}

fn replace(held: &CodeClaim, outcome: Option<Sealed>, until: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(outcome))
        .col_expr(Column::ExpiresAt, Expr::value(until))
        .filter(Column::CodeHash.eq(held.code.clone()))
        .filter(Column::ExpiresAt.eq(held.until))
}
