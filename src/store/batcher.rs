//! Batches concurrent lookups into one statement. While the database runs one batch, the next one is collected, so no
//! request waits artificially, and the cost per lookup decreases with the load.
//!
//! The task that runs batches keeps its connection from one batch to the next, which saves the ping of each release
//! (see `Connection::release`).

mod queue;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::DbErr;
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{sleep, timeout},
};

use super::database::{Connection, Database, UNIT_TIMEOUT, is_lost, is_transient};
use queue::{Pending, Queue};

/// Maximum number of lookups in one batch.
const MAX_BATCH: usize = 64;

/// Maximum number of batches in flight.
const MAX_IN_FLIGHT: usize = 4;

/// How long a batch may delay the pending lookups. After that, another task starts for them.
const SLOW_BATCH: Duration = Duration::from_millis(20);

/// Number of batches that one task runs on one connection before it releases the connection to other units of work.
const BATCHES_PER_CONNECTION: usize = 32;

/// Attempts at a batch, after broken connections and conflicts.
const ATTEMPTS: usize = 3;

/// The results of a batch, in the order of its keys.
pub(super) type Values<V> = BoxFuture<'static, Result<Vec<V>, DbErr>>;

/// The function that runs a batch on a connection.
type Statement<K, V> = Box<dyn Fn(Connection, Arc<[K]>) -> Values<V> + Send + Sync>;

/// Batches lookups of one kind.
pub(super) struct Batcher<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    database: Database,
    statement: Statement<K, V>,
    /// How long a batch collects lookups before it is sent.
    gather: Duration,
    queue: Mutex<Queue<K, V>>,
}

impl<K: Send + Sync + 'static, V: Send + 'static> Batcher<K, V> {
    /// A batcher that runs its batches by `statement`, which must be idempotent.
    pub(super) fn new(
        database: &Database,
        statement: impl Fn(Connection, Arc<[K]>) -> Values<V> + Send + Sync + 'static,
    ) -> Self {
        Self::gathering(database, Duration::ZERO, statement)
    }

    /// A batcher that collects each batch for `gather` before it is sent.
    pub(super) fn gathering(
        database: &Database,
        gather: Duration,
        statement: impl Fn(Connection, Arc<[K]>) -> Values<V> + Send + Sync + 'static,
    ) -> Self {
        let (database, statement) = (database.clone(), Box::new(statement));
        Self(Arc::new(Inner { database, statement, gather, queue: Mutex::new(Queue::new()) }))
    }

    /// The value of a key, read by a statement that begins after this call. Cancelling before the batch is sent removes
    /// the lookup; cancelling later has no effect.
    pub(super) async fn submit(&self, key: K) -> Result<V, DbErr> {
        let (reply, mut answer) = oneshot::channel();
        if self.0.queue().push(Pending { key, reply }) {
            tokio::spawn(run(Arc::clone(&self.0)));
        }
        let value = if let Ok(value) = timeout(SLOW_BATCH, &mut answer).await {
            value
        } else {
            if self.0.queue().try_start_run() {
                tokio::spawn(run(Arc::clone(&self.0)));
            }
            answer.await
        };
        value.unwrap_or_else(|_| Err(failed("was not answered")))
    }
}

impl<K, V> Inner<K, V> {
    fn queue(&self) -> MutexGuard<'_, Queue<K, V>> {
        // a panic while the lock is held leaves the queue consistent
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one batch, and repeats it after a transient error or on a broken connection. Returns the connection if it
    /// can run the next batch.
    async fn attempt(
        &self,
        mut connection: Connection,
        keys: &Arc<[K]>,
    ) -> (Result<Vec<V>, DbErr>, Option<Connection>) {
        for attempt in 1.. {
            let work = async { (self.statement)(connection.clone(), Arc::clone(keys)).await };
            let outcome = match timeout(UNIT_TIMEOUT, AssertUnwindSafe(work).catch_unwind()).await {
                Ok(Ok(outcome)) => outcome,
                // the panic itself is in the log; a connection with a running statement is closed
                Ok(Err(_)) => return (Err(failed("panicked")), None),
                Err(_) => return (Err(failed("took too long")), None),
            };
            let may_retry = outcome.as_ref().is_err_and(|error| is_lost(error) || is_transient(error));
            if !may_retry || attempt >= ATTEMPTS {
                return (outcome, Some(connection));
            }
            connection.release().await;
            connection = match self.database.acquire().await {
                Ok(connection) => connection,
                Err(error) => return (Err(error), None),
            };
        }
        (Err(failed("was not tried")), None)
    }
}

/// Runs batches until nothing is pending.
async fn run<K, V>(inner: Arc<Inner<K, V>>) {
    let mut kept: Option<Connection> = None;
    for count in 1.. {
        if inner.gather.is_zero() {
            // lets tasks that are about to submit a lookup do so first
            yield_now().await;
        } else {
            sleep(inner.gather).await;
        }
        let connection = match kept.take() {
            Some(connection) => Ok(connection),
            None => inner.database.acquire().await,
        };
        let Some(batch) = inner.queue().next() else {
            kept = connection.ok();
            break;
        };
        let (keys, replies): (Vec<_>, Vec<_>) = batch.into_iter().map(|it| (it.key, it.reply)).unzip();
        let (outcome, connection) = match connection {
            Ok(connection) => inner.attempt(connection, &keys.into()).await,
            Err(error) => (Err(error), None),
        };
        reply(replies, outcome);
        kept = connection;
        if count % BATCHES_PER_CONNECTION == 0 || !inner.gather.is_zero() {
            release(kept.take()).await;
        }
    }
    release(kept).await;
}

/// Replies to all callers; replies to cancelled ones are dropped.
fn reply<V>(replies: Vec<oneshot::Sender<Result<V, DbErr>>>, outcome: Result<Vec<V>, DbErr>) {
    match outcome {
        Ok(values) => replies.into_iter().zip(values).for_each(|(reply, value)| drop(reply.send(Ok(value)))),
        Err(cause) => replies.into_iter().for_each(|reply| drop(reply.send(Err(cause.clone())))),
    }
}

async fn release(connection: Option<Connection>) {
    if let Some(connection) = connection {
        connection.release().await;
    }
}

fn failed(what: &str) -> DbErr {
    DbErr::Custom(format!("a batch of lookups in the database {what}"))
}

impl<K, V> fmt::Debug for Batcher<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batcher({} pending)", self.0.queue().pending.len())
    }
}

impl<K, V> Clone for Batcher<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Repeats the last item until the number of items is a power of two, so that few statements are prepared: each number
/// of values needs its own.
pub(super) fn padded<T: Clone>(mut items: Vec<T>) -> Vec<T> {
    if let Some(last) = items.last().cloned() {
        items.resize(items.len().next_power_of_two(), last);
    }
    items
}
