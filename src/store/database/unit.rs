//! Units of work: reads, one statement that writes, or one transaction. Each runs in a task of its own.

use std::sync::Arc;

use sea_orm::DbErr;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::timeout,
};
use tracing::Instrument;

use super::{
    Connection, Database, UNIT_TIMEOUT, is_lost, is_transient,
    retry::{Backoff, failed},
};
use crate::log_context;

/// How a transaction ends, and its result.
#[derive(Debug)]
pub(in crate::store) enum TransactionEnd<T> {
    /// The transaction is committed.
    Commit(T),
    /// The transaction is rolled back, and this is the result nevertheless.
    RollBack(T),
}

/// The outcome of one attempt.
struct Attempt<T> {
    outcome: Result<T, DbErr>,
    may_retry: bool,
}

impl<T> Attempt<T> {
    /// The outcome of idempotent work, which may be repeated even if it took effect.
    fn repeatable(outcome: Result<T, DbErr>) -> Self {
        let may_retry = outcome.as_ref().is_err_and(|error| is_transient(error) || is_lost(error));
        Self { outcome, may_retry }
    }

    /// The outcome of a commit. If the connection broke, it is unknown whether the transaction was committed.
    fn committed(outcome: Result<T, DbErr>) -> Self {
        let may_retry = outcome.as_ref().is_err_and(is_transient);
        Self { outcome, may_retry }
    }
}

impl Database {
    /// Runs reads, or one idempotent statement. They are repeated after a transient error and on a broken connection.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::store) async fn run<T, F>(&self, work: impl Fn(Connection) -> F + Send + 'static) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>> + Send + 'static,
        T: Send + 'static,
    {
        self.spawn(move |connection| {
            let work = work(connection);
            async { Attempt::repeatable(work.await) }
        })
        .await
    }

    /// Runs a transaction: commits it if `work` succeeds, else rolls it back. It is repeated if the database rolled it
    /// back, and if the connection broke before the commit. The first statement of `work` must write: on `SQLite` a
    /// transaction that reads first fails instead of waiting for the write lock.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::store) async fn transaction<T, F>(
        &self,
        work: impl Fn(Connection) -> F + Send + Sync + 'static,
    ) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>> + Send + 'static,
        T: Send + 'static,
    {
        self.transaction_with_end(move |connection| {
            let work = work(connection);
            async { work.await.map(TransactionEnd::Commit) }
        })
        .await
    }

    /// Runs a transaction whose `work` decides whether it is committed.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::store) async fn transaction_with_end<T, F>(
        &self,
        work: impl Fn(Connection) -> F + Send + Sync + 'static,
    ) -> Result<T, DbErr>
    where
        F: Future<Output = Result<TransactionEnd<T>, DbErr>> + Send + 'static,
        T: Send + 'static,
    {
        let work = Arc::new(work);
        self.spawn(move |connection| transact(connection, Arc::clone(&work))).await
    }

    /// Runs attempts in a task of its own, and waits for the outcome. Cancelling before the task has a connection
    /// cancels it; cancelling later has no effect.
    async fn spawn<T, F>(&self, attempt: impl Fn(Connection) -> F + Send + 'static) -> Result<T, DbErr>
    where
        F: Future<Output = Attempt<T>> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let unit = self.clone().serve(attempt, reply).instrument(tracing::debug_span!("unit_of_work"));
        tokio::spawn(log_context::inherit(unit));
        // the reply is missing only if the task panicked, and the panic is in the log
        answer.await.unwrap_or_else(|_| Err(failed("a unit of work panicked")))
    }

    async fn serve<T, F>(self, attempt: impl Fn(Connection) -> F, mut reply: oneshot::Sender<Result<T, DbErr>>)
    where
        F: Future<Output = Attempt<T>>,
    {
        let permit = tokio::select! {
            permit = self.permit() => permit,
            () = reply.closed() => return,
        };
        // on timeout the connection is dropped, which closes it
        let late = |_| (Err(failed("a unit of work took too long")), None);
        let (outcome, connection) = timeout(UNIT_TIMEOUT, self.attempts(permit, attempt)).await.unwrap_or_else(late);
        let _ = reply.send(outcome);
        if let Some(connection) = connection {
            connection.release().await;
        }
    }

    /// Repeats attempts until one succeeds or the error is final. Returns the outcome, and the connection of the last
    /// attempt.
    async fn attempts<T, F>(
        &self,
        mut permit: Result<OwnedSemaphorePermit, DbErr>,
        attempt: impl Fn(Connection) -> F,
    ) -> (Result<T, DbErr>, Option<Connection>)
    where
        F: Future<Output = Attempt<T>>,
    {
        let mut backoff = Backoff::new();
        loop {
            let (done, connection) = match self.connect(permit).await {
                Ok(connection) => (attempt(connection.clone()).await, Some(connection)),
                Err(error) => (Attempt::repeatable(Err(error)), None),
            };
            if !done.may_retry || backoff.is_exhausted() {
                return (done.outcome, connection);
            }
            if let Some(connection) = connection {
                connection.release().await;
            }
            backoff.wait().await;
            permit = self.permit().await;
        }
    }
}

async fn transact<T, F>(connection: Connection, work: Arc<impl Fn(Connection) -> F>) -> Attempt<T>
where
    F: Future<Output = Result<TransactionEnd<T>, DbErr>>,
{
    if let Err(error) = connection.begin().await {
        return Attempt::repeatable(Err(error));
    }
    let result = match work(connection.clone()).await {
        Ok(TransactionEnd::Commit(value)) => {
            return Attempt::committed(connection.commit().await.map(|()| value));
        }
        Ok(TransactionEnd::RollBack(value)) => Ok(value),
        Err(error) => Err(error),
    };
    connection.roll_back().await;
    Attempt::repeatable(result)
}
