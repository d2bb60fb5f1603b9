//! The connections to one database, and the rule for using them: **a unit of work runs to its end**.
//!
//! A request's future can be dropped at every `await`: the client disconnects, a stream is reset, a timeout fires. sqlx
//! 0.9 counts a transaction only after `BEGIN` was answered (transact-rs/sqlx#4385, #4393), so a future dropped during
//! `BEGIN` returns a connection with an open transaction to the pool, and statements that run on it later are answered
//! but never committed. Therefore no request polls a statement: each unit of work runs in a task of its own, limited by
//! [`UNIT_TIMEOUT`]. A cancelled caller loses the result and nothing else. A connection returns to the pool clean, or
//! it is closed.

mod connection;
mod health;
mod retry;
mod unit;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, QueryTrait, Select};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

pub(super) use connection::Connection;
pub(super) use health::Health;
pub(super) use retry::{is_lost, is_missing_table, is_refusal, is_transient, is_unsupported};
pub(super) use unit::TransactionEnd;

/// How long a unit of work waits for a connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a unit of work may take, including its retries. After that its connection is closed, because the peer may
/// have become silent and never answer.
pub(super) const UNIT_TIMEOUT: Duration = Duration::from_secs(15);

/// A database. Clones share its connections.
#[derive(Clone)]
pub(super) struct Database(Arc<Inner>);

struct Inner {
    pool: DatabaseConnection,
    /// One permit for each connection of the pool. Waiting for a permit can be cancelled safely. Waiting inside the
    /// pool may mean opening a connection, and an abandoned half-open connection stays on the server for a while.
    permits: Arc<Semaphore>,
    connections: u32,
    health: Arc<Health>,
    statements: AtomicU64,
}

impl Database {
    /// A database on a pool. `health` decides which idle connections are pinged.
    pub(super) fn new(pool: DatabaseConnection, health: Arc<Health>) -> Self {
        let connections = match pool.get_database_backend() {
            DbBackend::Postgres => pool.get_postgres_connection_pool().options().get_max_connections(),
            DbBackend::MySql => pool.get_mysql_connection_pool().options().get_max_connections(),
            _ => pool.get_sqlite_connection_pool().options().get_max_connections(),
        };
        let permits = Arc::new(Semaphore::new(connections as usize));
        Self(Arc::new(Inner { pool, permits, connections, health, statements: AtomicU64::new(0) }))
    }

    /// The pool itself, for migrations.
    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.0.pool
    }

    /// The SQL dialect.
    pub(super) fn backend(&self) -> DbBackend {
        self.0.pool.get_database_backend()
    }

    /// The number of statements run so far.
    pub(super) fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// Acquires a connection. Must be called by a task that is not cancelled.
    ///
    /// # Errors
    /// When none becomes free in time, or none can be opened.
    pub(super) async fn acquire(&self) -> Result<Connection, DbErr> {
        self.connect(self.permit().await).await
    }

    /// Waits for a permit. Cancellation is safe.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        let permit = timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.0.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        permit.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    async fn connect(&self, permit: Result<OwnedSemaphorePermit, DbErr>) -> Result<Connection, DbErr> {
        Connection::acquire(self.clone(), permit?).await.inspect_err(|error| self.record_error(error))
    }

    fn record_error(&self, error: &DbErr) {
        self.0.health.record_error(error);
    }

    fn count_statement(&self) {
        self.0.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs a query for at most one row.
    pub(super) async fn one<E: EntityTrait>(&self, select: Select<E>) -> Result<Option<E::Model>, DbErr> {
        self.run(move |db| {
            let select = select.clone();
            async move { select.one(&db).await }
        })
        .await
    }

    /// Runs a query for all rows.
    pub(super) async fn all<E: EntityTrait>(&self, select: Select<E>) -> Result<Vec<E::Model>, DbErr> {
        self.run(move |db| {
            let select = select.clone();
            async move { select.all(&db).await }
        })
        .await
    }

    /// Runs one statement that writes, and returns the number of rows it changed. The statement must be idempotent, as
    /// a conditional update is whose effect makes its condition false.
    pub(super) async fn write(&self, statement: &impl QueryTrait) -> Result<u64, DbErr> {
        let statement = statement.build(self.backend());
        self.run(move |db| {
            let statement = statement.clone();
            async move { Ok(db.execute_raw(statement).await?.rows_affected()) }
        })
        .await
    }

    /// Waits until no unit of work is running, then closes the connections.
    pub(super) async fn close(self) -> Result<(), DbErr> {
        let idle = self.0.permits.acquire_many(self.0.connections).await;
        // an error means that the semaphore is closed already: nothing is left to wait for
        drop(idle);
        self.0.permits.close();
        self.0.pool.clone().close().await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("backend", &self.backend()).finish_non_exhaustive()
    }
}
