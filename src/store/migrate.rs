//! Applies migrations, and compares the schema version with the program's.

mod lock;

use lock::Lock;
use migration::{Engine, Migrator};
use sea_orm::{ConnectionTrait, DbErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait};
use sea_orm_migration::{IntoSchemaManagerConnection, MigratorTraitSelf, SchemaManager};

use super::Store;

/// The schema version compared with the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// All migrations of this program are applied, and no others.
    Current,
    /// This number of migrations is not applied yet.
    Behind(usize),
    /// A newer program has applied this number of unknown migrations.
    Ahead(usize),
}

impl Store {
    /// Compares the applied migrations with those of this program. Writes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn schema_state(&self) -> Result<SchemaState, DbErr> {
        Ok(compare(&applied(SchemaManager::new(&self.migrations)).await?))
    }

    /// Applies the missing migrations and returns the state before. Safe if two processes call it at the same time: the
    /// second waits, and finds nothing to apply.
    ///
    /// # Errors
    /// When the database fails, was migrated by a newer program, or another process migrates it for too long.
    pub async fn migrate(&self) -> Result<SchemaState, DbErr> {
        match self.schema_state().await? {
            SchemaState::Behind(_) => self.migrate_behind().await,
            state => Ok(state),
        }
    }

    async fn migrate_behind(&self) -> Result<SchemaState, DbErr> {
        let engine = Engine::detect(&self.migrations).await?;
        if engine == Engine::Sqlite {
            // the transaction holds the file's write lock, and is rolled back if the process dies
            let tx = self.migrations.begin_with_options(immediate()).await?;
            let state_before = migrate_on(&tx, engine).await?;
            tx.commit().await?;
            return Ok(state_before);
        }
        let lock = Lock::acquire(&self.migrations).await?;
        let outcome = lock.run(migrate_on(&self.migrations, engine)).await;
        let released = lock.release().await;
        let state_before = outcome?;
        released?;
        Ok(state_before)
    }

    /// Reverts all migrations, which drops the tables with their rows. Takes no lock: do not run it concurrently.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unmigrate(&self) -> Result<(), DbErr> {
        let db = &self.migrations;
        Migrator::new(Engine::detect(db).await?).down(db, None).await?;
        lock::drop_table(db).await
    }
}

/// A transaction that takes the write lock at once: if it read first, it could not wait for the lock later.
fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

async fn migrate_on<'c>(db: impl IntoSchemaManagerConnection<'c> + Copy, engine: Engine) -> Result<SchemaState, DbErr> {
    // another process may have migrated while this one waited for the lock
    let state_before = compare(&applied(SchemaManager::new(db)).await?);
    Migrator::new(engine).up(db, None).await?;
    Ok(state_before)
}

fn compare(applied: &[String]) -> SchemaState {
    let known = Migrator::names();
    let unknown = applied.iter().filter(|name| !known.contains(name)).count();
    let pending = known.iter().filter(|name| !applied.contains(name)).count();
    match (unknown, pending) {
        (0, 0) => SchemaState::Current,
        (0, pending) => SchemaState::Behind(pending),
        (unknown, _) => SchemaState::Ahead(unknown),
    }
}

/// The names of the applied migrations; none in a new database.
async fn applied(manager: SchemaManager<'_>) -> Result<Vec<String>, DbErr> {
    if !manager.has_table("seaql_migrations").await? {
        return Ok(Vec::new());
    }
    let db = manager.get_connection();
    let versions = Statement::from_string(db.get_database_backend(), "SELECT version FROM seaql_migrations");
    let rows = db.query_all_raw(versions).await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}
