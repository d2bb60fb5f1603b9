//! Classifies the errors of a database, and provides the backoff between attempts.

use std::time::Duration;

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{self, error::DatabaseError, postgres::PgDatabaseError},
};
use tokio::time::sleep;

use crate::random;

/// Attempts at a unit of work before its error is returned to the caller.
const ATTEMPTS: u32 = 10;

/// The first delay, on average; each later one is twice as long, up to the maximum.
const FIRST_DELAY: Duration = Duration::from_millis(4);
const MAX_DELAY: Duration = Duration::from_millis(200);

/// An exponential backoff with jitter, between the attempts at one unit of work.
pub(super) struct Backoff {
    attempt: u32,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { attempt: 1 }
    }

    /// Whether no attempts are left.
    pub(super) fn is_exhausted(&self) -> bool {
        self.attempt >= ATTEMPTS
    }

    /// Waits before the next attempt. The delay is random, so that two conflicting units do not conflict again.
    pub(super) async fn wait(&mut self) {
        let average = FIRST_DELAY.saturating_mul(1 << (self.attempt - 1).min(16)).min(MAX_DELAY);
        self.attempt += 1;
        let [jitter] = random::bytes();
        sleep(average / 2 + average * u32::from(jitter) / 255).await;
    }
}

/// Whether a retry may succeed: the database rolled the work back, or did not begin it, for a transient reason.
pub(in crate::store) fn is_transient(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(cause)) = sqlx_error(error) else { return false };
    if let Some(mysql) = cause.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return is_transient_mysql(mysql.number());
    }
    match cause.code() {
        // SQLite: busy (5) and locked (6), also as extended codes, which have the primary code in the low byte
        Some(code) if cause.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
            code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
        }
        Some(code) => is_transient_sqlstate(&code),
        None => false,
    }
}

/// PostgreSQL (appendix A): serialization failure, deadlock, lock not available, and a foreign key whose row a
/// concurrent transaction has deleted.
fn is_transient_sqlstate(code: &str) -> bool {
    matches!(code, "40001" | "40P01" | "55P03" | "23503")
}

/// MySQL: deadlock (1213), lock wait timeout (1205), record changed since last read (1020), a foreign key whose row was
/// just deleted (1452). `TiDB`: write conflict (9007), schema changed (8002, 8022, 8028). `OceanBase`: conflicting or
/// timed out transactions (6002, 6003, 6004, 6235, 4012, 4038).
fn is_transient_mysql(number: u16) -> bool {
    matches!(number, 1213 | 1205 | 1020 | 1452 | 9007 | 8002 | 8022 | 8028 | 6002 | 6003 | 6004 | 6235 | 4012 | 4038)
}

/// Whether the connection failed during a statement, so that its outcome is unknown.
pub(in crate::store) fn is_lost(error: &DbErr) -> bool {
    match sqlx_error(error) {
        Some(sqlx::Error::Database(cause)) => {
            is_outdated_plan(cause.as_ref()) || cause.code().is_some_and(|code| is_lost_sqlstate(&code))
        }
        Some(cause) => matches!(
            cause,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed
        ),
        None => false,
    }
}

/// Whether a migration changed a table for which this connection has prepared statements: PostgreSQL refuses those from
/// then on (0A000, from `RevalidateCachedQuery`), and a new connection prepares them again.
fn is_outdated_plan(cause: &dyn DatabaseError) -> bool {
    let cause = cause.try_downcast_ref::<PgDatabaseError>();
    cause.is_some_and(|cause| cause.routine() == Some("RevalidateCachedQuery"))
}

/// PostgreSQL closes the connection: connection exceptions (08…), shutdown and termination (57P01 to 57P03, 57P05). Or
/// the server became a read-only standby (25006).
fn is_lost_sqlstate(code: &str) -> bool {
    code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "25006")
}

/// Whether the database rejected a statement, so that it wrote nothing.
pub(in crate::store) fn is_refusal(error: &DbErr) -> bool {
    matches!(sqlx_error(error), Some(sqlx::Error::Database(_)))
}

/// Whether the database does not support the statement at all: an unsupported feature, a syntax error, an unknown
/// function or type.
pub(in crate::store) fn is_unsupported(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(cause)) = sqlx_error(error) else { return false };
    cause.code().is_some_and(|code| matches!(&*code, "0A000" | "42601" | "42883" | "42704"))
}

/// Whether a statement names a missing table. On a distributed engine the table may have just been created by another
/// connection.
pub(in crate::store) fn is_missing_table(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(cause)) = sqlx_error(error) else { return false };
    cause.code().is_some_and(|code| matches!(&*code, "42S02" | "42P01"))
}

/// An error of our own.
pub(super) fn failed(what: &str) -> DbErr {
    DbErr::Custom(what.to_owned())
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))
        | DbErr::Conn(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn error_codes_are_classified() {
        assert!(["40001", "40P01", "55P03", "23503"].into_iter().all(is_transient_sqlstate));
        assert!(["23505", "42601", "57P01", ""].into_iter().all(|code| !is_transient_sqlstate(code)));
        assert!([1213, 1205, 9007, 8028].into_iter().all(is_transient_mysql) && !is_transient_mysql(1062));
        assert!(["08006", "57P01", "25006"].into_iter().all(is_lost_sqlstate) && !is_lost_sqlstate("40001"));
    }

    #[tokio::test]
    async fn attempts_end_and_delays_are_short() {
        let (mut backoff, began, mut attempts) = (Backoff::new(), Instant::now(), 1);
        while !backoff.is_exhausted() {
            backoff.wait().await;
            attempts += 1;
        }
        assert_eq!(attempts, ATTEMPTS);
        assert!(began.elapsed() < super::super::UNIT_TIMEOUT / 4);
    }
}
