//! Brings the tables up to date, and tells whether they are.

use migration::Migrator;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use super::Store;

/// The name all processes that migrate agree on. PostgreSQL wants a number.
const LOCK: &str = "miniaccount migrate";
const LOCK_NUMBER: i64 = 0x6d69_6e69_6163_6374;

/// How long to wait for another process that migrates.
const LOCK_SECONDS: u32 = 300;

/// How the tables relate to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// They are what this program expects.
    Current,
    /// So many migrations are still to be applied.
    Behind(usize),
    /// A newer program has applied so many migrations this one does not know.
    Ahead(usize),
}

impl Store {
    /// Compares the migrations applied with the ones this program knows. Writes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn schema_state(&self) -> Result<SchemaState, DbErr> {
        Ok(compare(&applied(SchemaManager::new(self.db.pool())).await?))
    }

    /// Applies what is missing, and tells how things stood when it was this call's turn. Safe when two processes do it
    /// at once: the second waits, then finds nothing to do.
    ///
    /// # Errors
    /// When the database fails, was migrated by a newer program, or is being migrated by somebody who does not finish.
    pub async fn migrate(&self) -> Result<SchemaState, DbErr> {
        let found = self.schema_state().await?;
        if let SchemaState::Behind(_) = found {
            // a transaction keeps to one connection, and the lock belongs to a connection
            let tx = self.begin().await?;
            lock(&tx).await?;
            let outcome = migrate_in(&tx).await;
            unlock(&tx).await?;
            let found = outcome?;
            tx.commit().await?;
            return Ok(found);
        }
        Ok(found)
    }

    /// Takes all migrations back: the tables and what is in them are gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unmigrate(&self) -> Result<(), DbErr> {
        Migrator::down(self.db.pool(), None).await
    }
}

async fn migrate_in(tx: &DatabaseTransaction) -> Result<SchemaState, DbErr> {
    // another process may have migrated while this one waited
    let found = compare(&applied(SchemaManager::new(tx)).await?);
    Migrator::up(tx, None).await?;
    Ok(found)
}

fn compare(applied: &[String]) -> SchemaState {
    let known: Vec<String> = Migrator::get_migration_files().iter().map(|file| file.name().to_owned()).collect();
    let unknown = applied.iter().filter(|name| !known.contains(name)).count();
    let pending = known.iter().filter(|name| !applied.contains(name)).count();
    match (unknown, pending) {
        (0, 0) => SchemaState::Current,
        (0, pending) => SchemaState::Behind(pending),
        (unknown, _) => SchemaState::Ahead(unknown),
    }
}

/// Names of the migrations applied; none where the database is new.
async fn applied(manager: SchemaManager<'_>) -> Result<Vec<String>, DbErr> {
    if !manager.has_table("seaql_migrations").await? {
        return Ok(Vec::new());
    }
    let db = manager.get_connection();
    let versions = Statement::from_string(db.get_database_backend(), "SELECT version FROM seaql_migrations");
    let rows = db.query_all_raw(versions).await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}

/// Waits for the right to migrate. SQLite's transaction holds the write lock already; PostgreSQL gives its lock back
/// with the end of the transaction; MySQL commits with each change to a table, and its lock must be given back.
async fn lock(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    match tx.get_database_backend() {
        DbBackend::Postgres => query(tx, &format!("SELECT pg_advisory_xact_lock({LOCK_NUMBER})")).await.map(drop),
        DbBackend::MySql => {
            let row = query(tx, &format!("SELECT GET_LOCK('{LOCK}', {LOCK_SECONDS}) = 1 AS taken")).await?;
            match row.map(|row| row.try_get::<Option<i64>>("", "taken")).transpose()?.flatten() {
                Some(1) => Ok(()),
                _ => Err(DbErr::Custom("another process has been migrating for too long".to_owned())),
            }
        }
        _ => Ok(()),
    }
}

async fn unlock(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    match tx.get_database_backend() {
        DbBackend::MySql => query(tx, &format!("SELECT RELEASE_LOCK('{LOCK}')")).await.map(drop),
        _ => Ok(()),
    }
}

async fn query(tx: &DatabaseTransaction, sql: &str) -> Result<Option<QueryResult>, DbErr> {
    tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await
}
