//! Connections that wait outside of their pool for the next statement. Only one whose statement came to a good end is put
//! back here. Whatever else becomes of it (an error, a caller that goes away in the middle), it falls back to the pool,
//! which tests it.

use std::{
    fmt,
    mem::take,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{
    ConnAcquireErr, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values,
    prelude::async_trait::async_trait,
    sqlx::{self, AssertSqlSafe, Database, Error, Executor, IntoArguments, Pool, pool::PoolConnection, query::Query},
};
use sea_query_sqlx::SqlxValues;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::Kept;
use crate::store::{connect::ACQUIRE_TIMEOUT, doubt};

/// How long a connection stays out of the pool, which sees to it that none grows old.
const OUT: Duration = Duration::from_mins(5);

/// The connections that wait. Clones share them.
pub(in crate::store) struct Shelf<DB: Database>(Arc<Inner<DB>>);

struct Inner<DB: Database> {
    pool: Pool<DB>,
    /// For each connection that may be out of the pool on our account.
    places: Semaphore,
    waiting: Mutex<Vec<Waiting<DB>>>,
}

struct Waiting<DB: Database> {
    connection: PoolConnection<DB>,
    out_since: Instant,
    idle_since: Instant,
}

/// A connection in use.
pub(in crate::store) struct Taken<'a, DB: Database> {
    shelf: &'a Shelf<DB>,
    connection: PoolConnection<DB>,
    out_since: Instant,
    _place: SemaphorePermit<'a>,
}

impl<DB: Database> Shelf<DB> {
    /// An empty shelf for three of every four connections of a pool: the others are for transactions. `None` where it
    /// has but one.
    pub(super) fn new(pool: &Pool<DB>) -> Option<Self> {
        let places = pool.options().get_max_connections() as usize * 3 / 4;
        let inner = || Inner { pool: pool.clone(), places: Semaphore::new(places), waiting: Mutex::default() };
        (places > 0).then(|| Self(Arc::new(inner())))
    }

    /// The one used last, as long as it can be trusted; else one of the pool, which has tested it.
    ///
    /// # Errors
    /// When none comes free in time, or a new one cannot be opened.
    pub(in crate::store) async fn take(&self) -> Result<Taken<'_, DB>, DbErr> {
        let place = timeout(ACQUIRE_TIMEOUT, self.0.places.acquire()).await.ok().and_then(Result::ok);
        let place = place.ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        let last = self.waiting().pop();
        if let Some(Waiting { connection, out_since, idle_since }) = last {
            if doubt::is_trusted(idle_since.elapsed()) {
                return Ok(Taken { shelf: self, connection, out_since, _place: place });
            }
            // the others have been here for longer still
            self.clear();
        }
        let connection = self.0.pool.acquire().await.map_err(not_taken)?;
        Ok(Taken { shelf: self, connection, out_since: Instant::now(), _place: place })
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting<DB>>> {
        // what waits is whole between any two lines
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives all that wait back to the pool.
    fn clear(&self) {
        drop(take(&mut *self.waiting()));
    }
}

impl<DB: Database> Taken<'_, DB> {
    /// The connection, for one statement.
    pub(in crate::store) fn connection(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }

    /// The statement came to a good end.
    pub(in crate::store) fn put_back(self) {
        let Self { shelf, connection, out_since, _place } = self;
        let idle_since = Instant::now();
        let mut waiting = shelf.waiting();
        // asked under the lock: whoever closes the pool takes away afterwards what waits
        if idle_since - out_since < OUT && !shelf.0.pool.is_closed() {
            waiting.push(Waiting { connection, out_since, idle_since });
        }
    }
}

#[async_trait]
impl<DB> Kept for Shelf<DB>
where
    DB: Database,
    SqlxValues: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::QueryResult: Into<ExecResult>,
    DB::Row: Into<QueryResult>,
{
    async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut taken = self.take().await?;
        let done = query(statement).execute(taken.connection()).await;
        let done = done.map_err(|cause| DbErr::Exec(failed(cause)))?;
        taken.put_back();
        Ok(done.into())
    }

    async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut taken = self.take().await?;
        let row = query(statement).fetch_optional(taken.connection()).await.map_err(not_read)?;
        taken.put_back();
        Ok(row.map(Into::into))
    }

    async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut taken = self.take().await?;
        let rows = query(statement).fetch_all(taken.connection()).await.map_err(not_read)?;
        taken.put_back();
        Ok(rows.into_iter().map(Into::into).collect())
    }

    fn make_room(&self) {
        let pool = &self.0.pool;
        if pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections() {
            drop(self.waiting().pop());
        }
    }

    fn clear(&self) {
        Self::clear(self);
    }
}

fn query<DB: Database>(statement: Statement) -> Query<'static, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    let values = statement.values.unwrap_or(Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

fn not_taken(cause: Error) -> DbErr {
    match cause {
        Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        cause => DbErr::Conn(failed(cause)),
    }
}

/// What `SeaORM` makes of an error of the driver under it.
pub(in crate::store) fn not_read(cause: Error) -> DbErr {
    DbErr::Query(failed(cause))
}

fn failed(cause: Error) -> RuntimeErr {
    RuntimeErr::SqlxError(cause.into())
}

impl<DB: Database> Clone for Shelf<DB> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<DB: Database> fmt::Debug for Shelf<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shelf({} connections)", self.waiting().len())
    }
}
