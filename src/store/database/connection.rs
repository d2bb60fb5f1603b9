//! A connection of the pool, used by one unit of work. It tracks whether it is clean: whether every statement has
//! finished and no transaction is open. Only a clean connection returns to the pool.

use std::{fmt, sync::Arc};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values,
    prelude::async_trait::async_trait,
    sqlx::{
        self, AssertSqlSafe, Executor, MySql, Postgres, Sqlite,
        pool::PoolConnection,
        postgres::{PgArguments, PgRow},
        query::Query,
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit},
    time::timeout,
};

use super::{Database, health::PING_TIMEOUT, is_lost, retry::failed};

/// A connection. Clones share it.
#[derive(Clone)]
pub(in crate::store) struct Connection {
    database: Database,
    state: Arc<Mutex<ConnectionState>>,
}

/// The driver's connection and its state. Dropping it closes the connection, unless it was released before.
struct ConnectionState {
    driver: Option<Driver>,
    in_transaction: bool,
    /// Whether a statement of the transaction failed.
    has_failed: bool,
    is_broken: bool,
    _permit: OwnedSemaphorePermit,
}

enum Driver {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    MySql(PoolConnection<MySql>),
}

/// Runs the same code with a connection of any driver.
macro_rules! with_driver {
    ($driver:expr, $connection:ident => $work:expr) => {
        match $driver {
            Driver::Sqlite($connection) => $work,
            Driver::Postgres($connection) => $work,
            Driver::MySql($connection) => $work,
        }
    };
}

impl Connection {
    pub(super) async fn acquire(database: Database, permit: OwnedSemaphorePermit) -> Result<Self, DbErr> {
        let driver = Driver::acquire(&database).await.map_err(not_acquired)?;
        let state = ConnectionState {
            driver: Some(driver),
            in_transaction: false,
            has_failed: false,
            is_broken: false,
            _permit: permit,
        };
        Ok(Self { database, state: Arc::new(Mutex::new(state)) })
    }

    pub(super) async fn begin(&self) -> Result<(), DbErr> {
        let begin = match self.database.backend() {
            // takes the write lock immediately: a transaction that reads first cannot wait for the lock later
            DbBackend::Sqlite => "BEGIN IMMEDIATE",
            _ => "BEGIN",
        };
        {
            let mut state = self.state.lock().await;
            (state.in_transaction, state.has_failed) = (true, false);
        }
        self.execute_unprepared(begin).await.map(drop)
    }

    /// Commits, unless a statement failed: PostgreSQL would report success for such a `COMMIT` and roll back.
    pub(super) async fn commit(&self) -> Result<(), DbErr> {
        if self.state.lock().await.has_failed {
            self.roll_back().await;
            return Err(failed("a statement of the transaction failed"));
        }
        self.execute_unprepared("COMMIT").await?;
        self.state.lock().await.in_transaction = false;
        Ok(())
    }

    /// Rolls back. If that fails, the connection is not clean and will be closed.
    pub(super) async fn roll_back(&self) {
        if self.execute_unprepared("ROLLBACK").await.is_ok() {
            let mut state = self.state.lock().await;
            (state.in_transaction, state.has_failed) = (false, false);
        }
    }

    /// Returns the connection to the pool if it is clean, else closes it.
    ///
    /// sqlx 0.9 pings a connection on each release and waits for the response without a time limit: a silent peer would
    /// hold the pool's permit for ever (transact-rs/sqlx#4349; a test asserts that sqlx still does so). Therefore the
    /// wait is limited here, and the batcher keeps its connection from one batch to the next to save the round trip.
    pub(in crate::store) async fn release(self) {
        let mut state = self.state.lock().await;
        if state.is_broken || state.in_transaction {
            return;
        }
        if let Some(mut driver) = state.driver.take() {
            let _ = with_driver!(&mut driver, it => timeout(PING_TIMEOUT, it.return_to_pool()).await);
        }
    }

    /// Runs a PostgreSQL statement that returns rows.
    pub(in crate::store) async fn fetch_postgres(
        &self,
        query: Query<'static, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, DbErr> {
        let mut state = self.state.lock().await;
        let Some(Driver::Postgres(connection)) = &mut state.driver else { return Err(failed("not PostgreSQL")) };
        let rows = query.fetch_all(&mut **connection).await.map_err(query_error);
        self.record_outcome(&mut state, rows)
    }

    /// Updates the state of the connection by the outcome of a statement.
    fn record_outcome<T>(&self, state: &mut ConnectionState, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        self.database.count_statement();
        if let Err(error) = &outcome {
            state.has_failed = true;
            state.is_broken |= is_lost(error);
            self.database.record_error(error);
        }
        outcome
    }
}

impl Driver {
    async fn acquire(database: &Database) -> Result<Self, sqlx::Error> {
        let pool = database.pool();
        Ok(match database.backend() {
            DbBackend::Postgres => Self::Postgres(pool.get_postgres_connection_pool().acquire().await?),
            DbBackend::MySql => Self::MySql(pool.get_mysql_connection_pool().acquire().await?),
            _ => Self::Sqlite(pool.get_sqlite_connection_pool().acquire().await?),
        })
    }

    async fn execute(&mut self, statement: Statement) -> Result<ExecResult, sqlx::Error> {
        let (sql, values) = parts(statement);
        with_driver!(self, it => sqlx::query_with(sql, values).execute(&mut **it).await.map(Into::into))
    }

    async fn execute_unprepared(&mut self, sql: &str) -> Result<ExecResult, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        with_driver!(self, it => it.execute(sql).await.map(Into::into))
    }

    async fn fetch_all(&mut self, statement: Statement) -> Result<Vec<QueryResult>, sqlx::Error> {
        let (sql, values) = parts(statement);
        with_driver!(self, it => {
            let rows = sqlx::query_with(sql, values).fetch_all(&mut **it).await?;
            Ok(rows.into_iter().map(Into::into).collect())
        })
    }
}

impl Drop for ConnectionState {
    fn drop(&mut self) {
        if let Some(driver) = &mut self.driver {
            with_driver!(driver, it => it.close_on_drop());
        }
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.database.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut state = self.state.lock().await;
        let done = state.driver()?.execute(statement).await.map_err(exec_error);
        self.record_outcome(&mut state, done)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut state = self.state.lock().await;
        let done = state.driver()?.execute_unprepared(sql).await.map_err(exec_error);
        self.record_outcome(&mut state, done)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut state = self.state.lock().await;
        let rows = state.driver()?.fetch_all(statement).await.map_err(query_error);
        self.record_outcome(&mut state, rows)
    }
}

impl ConnectionState {
    fn driver(&mut self) -> Result<&mut Driver, DbErr> {
        self.driver.as_mut().ok_or_else(|| failed("the connection was released"))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

/// A statement in the form that `SeaORM` passes to sqlx.
fn parts(statement: Statement) -> (AssertSqlSafe<String>, SqlxValues) {
    (AssertSqlSafe(statement.sql), SqlxValues(statement.values.unwrap_or(Values(Vec::new()))))
}

fn not_acquired(cause: sqlx::Error) -> DbErr {
    match cause {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        cause => DbErr::Conn(RuntimeErr::SqlxError(cause.into())),
    }
}

fn exec_error(cause: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(cause.into()))
}

fn query_error(cause: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(cause.into()))
}

#[cfg(test)]
mod tests;
