//! The connections statements run over. The library's pool tests a connection each time it is given back: one more
//! question and answer, which for a short statement is half of what it costs. So single statements run over connections
//! that are kept out of the pool between them; transactions, which are long, come from the pool as ever.

mod shelf;

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, prelude::async_trait::async_trait,
    sqlx::Postgres,
};

pub(super) use shelf::Shelf;

/// The connections to one database. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pool: DatabaseConnection,
    /// `None` where there are too few.
    kept: Option<Arc<dyn Kept>>,
    postgres: Option<Shelf<Postgres>>,
}

/// The connections kept out of the pool, whatever database they are to.
#[async_trait]
trait Kept: std::fmt::Debug + Send + Sync {
    /// Runs a statement.
    async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr>;
    /// Runs a statement that gives one row at the most.
    async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr>;
    /// Runs a statement that gives rows.
    async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr>;
    /// Gives one back to the pool where that has none left to give.
    fn make_room(&self);
    /// Gives them all back.
    fn clear(&self);
}

impl Connections {
    /// Those of a pool.
    pub(super) fn of(pool: DatabaseConnection) -> Self {
        let backend = pool.get_database_backend();
        let postgres = (backend == DbBackend::Postgres).then(|| Shelf::new(pool.get_postgres_connection_pool()));
        let postgres = postgres.flatten();
        let kept = match backend {
            DbBackend::Postgres => postgres.clone().map(shared),
            DbBackend::MySql => Shelf::new(pool.get_mysql_connection_pool()).map(shared),
            _ => Shelf::new(pool.get_sqlite_connection_pool()).map(shared),
        };
        Self { pool, kept, postgres }
    }

    /// The pool, for what is done once in a while.
    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Those to PostgreSQL, which can say more by one statement than the others.
    pub(super) fn postgres(&self) -> Option<Shelf<Postgres>> {
        self.postgres.clone()
    }

    /// Begins a transaction. On SQLite it takes the write lock at once: one that reads first and writes later cannot
    /// wait its turn, it fails.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        if let Some(kept) = &self.kept {
            kept.make_room();
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.pool.begin_with_options(options).await
    }

    /// Closes them all.
    pub(super) async fn close(self) -> Result<(), DbErr> {
        // the pool first: what is put back from then on is put back there
        let give_back = async { self.kept.iter().for_each(|kept| kept.clear()) };
        let (closed, ()) = tokio::join!(biased; self.pool.clone().close(), give_back);
        closed
    }
}

fn shared<K: Kept + 'static>(kept: K) -> Arc<dyn Kept> {
    Arc::new(kept)
}

#[async_trait]
impl ConnectionTrait for Connections {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.kept {
            Some(kept) => kept.execute(statement).await,
            None => self.pool.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.kept {
            Some(kept) => kept.query_one(statement).await,
            None => self.pool.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.kept {
            Some(kept) => kept.query_all(statement).await,
            None => self.pool.query_all_raw(statement).await,
        }
    }
}
