//! Connections that wait outside of their pool for the next statement. Only one whose statement came to a good end is put
//! back here.

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

/// A connection in use. One whose statement did not come to an end is closed: nobody knows what would still come over it,
/// and the pool would wait for that without an end.
struct Taken<'a, DB: Database> {
    shelf: &'a Shelf<DB>,
    connection: Option<PoolConnection<DB>>,
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

    /// A connection, in the time that the pool would give.
    async fn take(&self) -> Result<Taken<'_, DB>, DbErr> {
        let taken = timeout(ACQUIRE_TIMEOUT, self.take_in_turn()).await;
        taken.unwrap_or(Err(Error::PoolTimedOut)).map_err(not_taken)
    }

    /// The one used last, as long as it can be trusted; else one of the pool, which has tested it.
    async fn take_in_turn(&self) -> Result<Taken<'_, DB>, Error> {
        let place = self.0.places.acquire().await.map_err(|_| Error::PoolClosed)?;
        let last = self.waiting().pop();
        let taken =
            |connection, out_since| Taken { shelf: self, connection: Some(connection), out_since, _place: place };
        match last {
            Some(last) if doubt::is_trusted(last.idle_since.elapsed()) => {
                return Ok(taken(last.connection, last.out_since));
            }
            // the others have been here for longer still
            Some(last) => self.give_up(last),
            None => {}
        }
        Ok(taken(self.0.pool.acquire().await?, Instant::now()))
    }

    /// Closes what waits and cannot be trusted.
    fn give_up(&self, last: Waiting<DB>) {
        let others = take(&mut *self.waiting());
        others.into_iter().chain([last]).for_each(|mut waiting| waiting.connection.close_on_drop());
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting<DB>>> {
        // what waits is whole between any two lines
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<DB> Shelf<DB>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    /// Runs a statement that gives rows.
    ///
    /// # Errors
    /// When no connection comes free in time, or the database fails.
    pub(in crate::store) async fn fetch_all<A>(&self, query: Query<'static, DB, A>) -> Result<Vec<DB::Row>, DbErr>
    where
        A: IntoArguments<DB> + Send + 'static,
    {
        let mut taken = self.take().await?;
        let rows = query.fetch_all(taken.connection()).await;
        taken.done(rows).map_err(|cause| DbErr::Query(failed(cause)))
    }
}

impl<DB: Database> Taken<'_, DB> {
    /// The connection, for one statement. It is there until that is done.
    fn connection(&mut self) -> &mut DB::Connection {
        #[expect(clippy::expect_used, reason = "only `done` and the end take it away")]
        self.connection.as_mut().expect("a connection in use")
    }

    /// The statement came to its end.
    fn done<T>(mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        let connection = self.connection.take();
        match (&outcome, connection) {
            (Ok(_), Some(connection)) => self.put_back(connection),
            // refused: the pool tests it
            (Err(Error::Database(_)) | Ok(_), _) => {}
            (Err(_), connection) => self.connection = connection,
        }
        outcome
    }

    fn put_back(&self, connection: PoolConnection<DB>) {
        let idle_since = Instant::now();
        let mut waiting = self.shelf.waiting();
        // asked under the lock: whoever closes the pool takes away afterwards what waits
        if idle_since - self.out_since < OUT && !self.shelf.0.pool.is_closed() {
            waiting.push(Waiting { connection, out_since: self.out_since, idle_since });
        }
    }
}

impl<DB: Database> Drop for Taken<'_, DB> {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.close_on_drop();
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
        taken.done(done).map(Into::into).map_err(|cause| DbErr::Exec(failed(cause)))
    }

    async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all(statement).await?.into_iter().next())
    }

    async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        Ok(self.fetch_all(query(statement)).await?.into_iter().map(Into::into).collect())
    }

    fn make_room(&self) {
        let pool = &self.0.pool;
        if pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections() {
            drop(self.waiting().pop());
        }
    }

    fn clear(&self) {
        drop(take(&mut *self.waiting()));
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
