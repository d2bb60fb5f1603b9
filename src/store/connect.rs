//! Opens the connections, each database in the way that suits it.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr,
    sqlx::{Executor, error::DatabaseError, sqlite::SqliteError},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::sleep;

use super::{Store, doubt};

/// How long a request waits for a free connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection idle for longer is tried before it is used, so that a database that went away and came back is not
/// noticed by a client. One in steady use is not, as long as all goes well: that would cost a round trip for each
/// request.
pub(super) const TRUSTED_IDLE: Duration = Duration::from_secs(5);

/// The feed needs one at a time. One that was cut off without a word stays taken until the system gives it up, a quarter
/// of an hour later; meanwhile the next one serves.
const FEED_CONNECTIONS: u32 = 4;

/// How often a file that somebody else has is tried, and after how long again.
const OPENINGS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// How PostgreSQL plans. Every statement here finds its rows by their keys, whatever the values: to plan it anew for each
/// would take longer than to run it. And a plan that is kept must not depend on how small a table was when it was made.
const PLANS: &str = "
SET plan_cache_mode = force_generic_plan; SET jit = off;
SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// Opens the database.
///
/// # Errors
/// When it cannot be reached or refuses.
pub async fn connect(url: &SecretString, connections: u32) -> Result<Store, DbErr> {
    let mut options = options(url);
    if is_in_memory(url) {
        // the database is the connection: a second one would be another database, and closing it would lose this one
        options.max_connections(1).idle_timeout(None).max_lifetime(None);
        let only = open(options).await?;
        return Ok(Store::new(only.clone(), only));
    }
    let mut for_feed = options.clone();
    for_feed.max_connections(FEED_CONNECTIONS).connect_lazy(true);
    options.max_connections(connections).min_connections(1);
    Ok(Store::new(open(options).await?, open(for_feed).await?))
}

/// Opens a pool. Processes that begin with the same new file meet where SQLite turns to its write-ahead log, and there it
/// does not let them wait for each other.
async fn open(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let mut attempt = 1;
    loop {
        match Database::connect(options.clone()).await {
            Err(error) if attempt < OPENINGS && is_busy(&error) => sleep(PAUSE).await,
            outcome => return outcome,
        }
        attempt += 1;
    }
}

/// Whether SQLite says that somebody else has the file (`SQLITE_BUSY`).
fn is_busy(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(cause)) = error else { return false };
    let cause = cause.as_database_error().and_then(|cause| cause.try_downcast_ref::<SqliteError>());
    let code = cause.and_then(DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
    // the low byte is the kind
    code.is_some_and(|code| code & 0xff == 5)
}

fn options(url: &SecretString) -> ConnectOptions {
    let mut options = ConnectOptions::new(url.expose_secret().to_owned());
    options
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire_if_idle_for(TRUSTED_IDLE)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options.map_sqlx_postgres_before_acquire(|connection, meta| Box::pin(doubt::settle(connection, meta.idle_for)));
    options.map_sqlx_mysql_before_acquire(|connection, meta| Box::pin(doubt::settle(connection, meta.idle_for)));
    tune_sqlite(&mut options);
    tune_postgres(&mut options);
    tune_mysql(&mut options);
    options
}

/// A write-ahead log lets readers go on while one writes; a writer waits its turn instead of failing.
fn tune_sqlite(options: &mut ConnectOptions) {
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(ACQUIRE_TIMEOUT)
            .foreign_keys(true)
    });
}

fn tune_postgres(options: &mut ConnectOptions) {
    options.map_sqlx_postgres_pool_opts(|pool| {
        pool.after_connect(|connection, _| {
            Box::pin(async move {
                // others that speak the protocol may plan in their own ways
                if let Err(cause) = connection.execute(PLANS).await {
                    tracing::debug!(%cause, "the database plans as it likes");
                }
                Ok(())
            })
        })
    });
}

/// Statements here lock the rows they name. MySQL's default isolation also locks the gaps between rows, and parallel
/// first logins would wait for each other in a circle.
fn tune_mysql(options: &mut ConnectOptions) {
    options.map_sqlx_mysql_pool_opts(|pool| {
        pool.after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                Ok(())
            })
        })
    });
}

/// Whether this is SQLite, the embedded database, which has no other users and is brought up to date at each start.
#[must_use]
pub fn is_embedded(url: &SecretString) -> bool {
    url.expose_secret().starts_with("sqlite:")
}

fn is_in_memory(url: &SecretString) -> bool {
    let url = url.expose_secret();
    url.starts_with("sqlite:") && (url.contains(":memory:") || url.contains("mode=memory"))
}

/// The database's kind and place, without user and password, for a person to read.
#[must_use]
pub fn describe(url: &SecretString) -> String {
    let url = url.expose_secret();
    let Some((scheme, rest)) = url.split_once(':') else { return "unknown".to_owned() };
    let place = rest.trim_start_matches("//").split('?').next().unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    match scheme {
        "sqlite" => format!("SQLite {place}"),
        "postgres" | "postgresql" => format!("PostgreSQL {place}"),
        _ => format!("MySQL {place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_holds_no_password() {
        for (url, description) in [
            ("postgres://me:p@ss@db:5432/accounts?sslmode=require", "PostgreSQL db:5432/accounts"),
            ("mysql://root:secret@[::1]/accounts", "MySQL [::1]/accounts"),
            ("sqlite://miniaccount.db?mode=rwc", "SQLite miniaccount.db"),
        ] {
            assert_eq!(describe(&url.into()), description);
        }
    }
}
