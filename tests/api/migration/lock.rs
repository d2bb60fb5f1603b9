//! The migration lock. SQLite needs none, because a transaction locks the whole file.

use std::{sync::Arc, time::Duration};

use migration::Migrator;
use miniaccount::store::{DbErr, SchemaState};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement, TransactionTrait};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::db_delete_the_last_migration;
use crate::harness::{DatabaseKind, TestDatabase};

/// Longer than the interval of renewals, which is five seconds, and shorter than the lease, which is twenty.
const RENEWAL_LIMIT: Duration = Duration::from_secs(12);

/// The limit for a process that takes the lock, also on a busy machine.
const LOCK_LIMIT: Duration = Duration::from_secs(30);

on_each_empty_database! {
    async fn database_without_the_lock_table_is_migrated(database: Arc<TestDatabase>) {
        let (store, db) = (database.store().await, database.db_connect().await);
        store.migrate().await.unwrap();
        db.execute_unprepared("DROP TABLE IF EXISTS seaql_migrations_lock").await.unwrap();
        db_delete_the_last_migration(&db).await;
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Behind(1));
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Current);
    }

    async fn lock_of_a_process_that_died_expires(database: Arc<TestDatabase>) {
        if database.kind == DatabaseKind::Sqlite {
            return;
        }
        let (store, db) = (database.store().await, database.db_connect().await);
        store.migrate().await.unwrap();
        db_delete_the_last_migration(&db).await;
        let in_three_seconds = "UPDATE seaql_migrations_lock SET owner = 'dead', expires_at = 3 + ";
        db.execute_unprepared(&format!("{in_three_seconds}{}", clock(database.kind))).await.unwrap();
        let start = Instant::now();
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Behind(1));
        assert!(start.elapsed() > Duration::from_millis(1500), "did not wait: {:?}", start.elapsed());
        assert_eq!(db_expiry(&db).await, 0, "the lock was not released");
    }

    async fn lock_is_renewed_while_others_wait_for_it(database: Arc<TestDatabase>) {
        if database.kind == DatabaseKind::Sqlite {
            return;
        }
        let db = database.db_connect().await;
        let obstacle = Obstacle::put(&database, &db).await;
        let first = migrate(&database);
        let taken = db_taken(&db).await;
        let owner = db_owner(&db).await;
        let second = migrate(&database);
        let began = Instant::now();
        while db_expiry(&db).await <= taken {
            assert!(began.elapsed() < RENEWAL_LIMIT, "the lock was not renewed");
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(db_owner(&db).await, owner, "another process took the lock");
        assert!(!first.is_finished() && !second.is_finished());
        obstacle.remove().await;
        assert_eq!(first.await.unwrap().unwrap(), SchemaState::Behind(1));
        assert_eq!(second.await.unwrap().unwrap(), SchemaState::Current);
    }

    async fn migration_is_not_limited_by_the_statement_timeout(database: Arc<TestDatabase>) {
        if database.kind != DatabaseKind::Postgres {
            return; // other databases do not limit statements that change tables
        }
        let db = database.db_connect().await;
        let obstacle = Obstacle::put(&database, &db).await;
        let limit =
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 1000', current_database()); END $$";
        db.execute_unprepared(limit).await.unwrap();
        let migrating = migrate(&database);
        sleep(Duration::from_millis(2500)).await;
        obstacle.remove().await;
        assert_eq!(migrating.await.unwrap().unwrap(), SchemaState::Behind(1));
    }

    async fn process_that_lost_its_lock_stops(database: Arc<TestDatabase>) {
        if database.kind == DatabaseKind::Sqlite {
            return;
        }
        let db = database.db_connect().await;
        let obstacle = Obstacle::put(&database, &db).await;
        let migrating = migrate(&database);
        db_taken(&db).await;
        db.execute_unprepared("UPDATE seaql_migrations_lock SET owner = 'another'").await.unwrap();
        let lost = migrating.await.unwrap().unwrap_err();
        assert!(lost.to_string().contains("another process took over the migration"), "{lost}");
        obstacle.remove().await;
    }
}

/// Blocks the record of the last migration: an open transaction that has inserted it.
struct Obstacle(DatabaseTransaction);

impl Obstacle {
    async fn put(database: &TestDatabase, db: &DatabaseConnection) -> Self {
        database.store().await.migrate().await.unwrap();
        db_delete_the_last_migration(db).await;
        let last = Migrator::names().pop().unwrap();
        let tx = db.begin().await.unwrap();
        let record = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{last}', 1)");
        tx.execute_unprepared(&record).await.unwrap();
        Self(tx)
    }

    async fn remove(self) {
        self.0.rollback().await.unwrap();
    }
}

fn migrate(database: &Arc<TestDatabase>) -> JoinHandle<Result<SchemaState, DbErr>> {
    let database = Arc::clone(database);
    tokio::spawn(async move { database.store().await.migrate().await })
}

/// Waits until the lock is taken, and returns its expiry in seconds.
async fn db_taken(db: &DatabaseConnection) -> i64 {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < LOCK_LIMIT, "the lock is never taken");
        match db_expiry(db).await {
            0 => sleep(Duration::from_millis(50)).await,
            expiry => return expiry,
        }
    }
}

async fn db_owner(db: &DatabaseConnection) -> String {
    let query = "SELECT owner FROM seaql_migrations_lock";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), query)).await.unwrap();
    row.unwrap().try_get("", "owner").unwrap()
}

async fn db_expiry(db: &DatabaseConnection) -> i64 {
    let query = "SELECT expires_at FROM seaql_migrations_lock";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), query)).await.unwrap();
    row.unwrap().try_get("", "expires_at").unwrap()
}

/// The current time of the database, in seconds.
fn clock(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS bigint)",
        _ => "UNIX_TIMESTAMP()",
    }
}
