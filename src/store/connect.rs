//! Opens the connection pools, with the settings that each database needs.

mod driver;
mod files;

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement,
    sqlx::{Executor, error::DatabaseError, sqlite::SqliteError},
};
use tokio::time::sleep;

use super::{
    Store,
    database::{ACQUIRE_TIMEOUT, Connection, Database, Health},
};
use crate::config::{DatabaseUrl, SqliteDatabase};

/// Connections of the feed's pool. The feed uses one at a time. A silently broken connection stays in use until its
/// unit of work times out; meanwhile the feed continues on the next one.
const FEED_CONNECTIONS: u32 = 4;

/// Attempts to open an SQLite file that another process has locked, and the delay between them.
const MAX_ATTEMPTS: u32 = 50;
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Statements that are run on each new connection.
type Settings = &'static [&'static str];

/// Settings that correctness depends on, set on each connection regardless of the defaults of server, database and
/// user: isolation, write access, and the timeout of a statement in milliseconds, which is shorter than that of a unit
/// of work. A database that does not support one of these is refused.
const POSTGRES_REQUIRED: Settings = &[
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE",
    "SET statement_timeout = 12000",
];

/// Settings that PostgreSQL may refuse, as other engines with its protocol do. All statements find their rows by keys,
/// so that one generic plan fits all values, and planning each execution would take longer than running it. Sequential
/// scans and such joins are off, so that a plan made for a small table stays good when the table grows.
const POSTGRES_OPTIONAL: Settings = &[
    "SET lock_timeout = 5000",
    "SET idle_in_transaction_session_timeout = 20000",
    "SET plan_cache_mode = force_generic_plan",
    "SET jit = off",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
];

/// The same for MySQL. Its default isolation locks the gaps between rows, which makes concurrent first logins deadlock.
/// Without strict mode it truncates values that are too long. Lock timeouts are in seconds, OceanBase's in
/// microseconds.
const MYSQL_REQUIRED: Settings = &[
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION TRANSACTION READ WRITE",
    "SET autocommit = 1, foreign_key_checks = 1, unique_checks = 1",
    "SET sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT'",
];
const MYSQL_OPTIONAL: Settings = &["SET innodb_lock_wait_timeout = 5", "SET ob_trx_lock_timeout = 5000000"];

/// Migrations have no timeouts.
const POSTGRES_UNLIMITED: Settings = &["SET statement_timeout = 0", "SET lock_timeout = 0"];

/// Opens the database.
///
/// # Errors
/// When it cannot be reached or refuses the connection.
pub async fn connect(url: &DatabaseUrl, connections: u32) -> Result<Store, DbErr> {
    if let DatabaseUrl::Sqlite(database) = url {
        files::restrict_permissions(database);
    }
    if matches!(url, DatabaseUrl::Sqlite(SqliteDatabase::Memory)) {
        // a database in memory belongs to one connection and is lost when that is closed
        let db = open(url, |options| {
            options.max_connections(1).idle_timeout(None).max_lifetime(None);
        });
        let db = db.await?;
        let migrations = db.pool().clone();
        return Ok(Store::on(db.clone(), db, migrations));
    }
    let db = open(url, |options| {
        options.max_connections(connections).min_connections(1);
    });
    let db = db.await?;
    refuse_incomplete_encoding(&db).await?;
    let feed = open(url, |options| {
        options.max_connections(FEED_CONNECTIONS).connect_lazy(true);
    });
    let mut migrations = pool_options(url);
    // one connection migrates, the other renews the lock
    migrations.max_connections(2).connect_lazy(true);
    set_on_postgres(&mut migrations, POSTGRES_REQUIRED, POSTGRES_UNLIMITED);
    set_on_mysql(&mut migrations, MYSQL_REQUIRED, &[]);
    Ok(Store::on(db, feed.await?, connect_with_retry(migrations).await?))
}

/// Opens a pool.
async fn open(url: &DatabaseUrl, configure: impl FnOnce(&mut ConnectOptions)) -> Result<Database, DbErr> {
    let health = Arc::new(Health::default());
    let mut options = options(url, &health);
    configure(&mut options);
    Ok(Database::new(connect_with_retry(options).await?, health))
}

/// Refuses a PostgreSQL database with an encoding other than UTF-8. In MySQL the tables set their own encoding, and
/// SQLite stores all characters.
async fn refuse_incomplete_encoding(db: &Database) -> Result<(), DbErr> {
    if db.backend() != DbBackend::Postgres {
        return Ok(());
    }
    let server_encoding = |db: Connection| async move {
        let statement = Statement::from_string(DbBackend::Postgres, "SHOW server_encoding");
        db.query_one_raw(statement).await?.map(|row| row.try_get_by_index::<String>(0)).transpose()
    };
    match db.run(server_encoding).await? {
        Some(encoding) if encoding != "UTF8" => {
            let why = format!("its encoding is {encoding}, which lacks characters: create it with ENCODING 'UTF8'");
            Err(DbErr::Custom(why))
        }
        _ => Ok(()),
    }
}

/// Connects, and tries again while SQLite is busy: its busy timeout does not apply when several processes switch a new
/// file to the write-ahead log.
async fn connect_with_retry(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let mut attempt = 1;
    loop {
        match sea_orm::Database::connect(options.clone()).await {
            Err(error) if attempt < MAX_ATTEMPTS && is_busy(&error) => sleep(RETRY_DELAY).await,
            outcome => return outcome,
        }
        attempt += 1;
    }
}

/// Whether SQLite reports that another process holds the file (`SQLITE_BUSY`).
fn is_busy(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(cause)) = error else { return false };
    let cause = cause.as_database_error().and_then(|cause| cause.try_downcast_ref::<SqliteError>());
    let code = cause.and_then(DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
    // extended result codes have the primary code in the low byte
    code.is_some_and(|code| code & 0xff == 5)
}

/// The options of any pool.
fn pool_options(url: &DatabaseUrl) -> ConnectOptions {
    let mut options = driver::options(url);
    options
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

/// The options of a pool for units of work.
fn options(url: &DatabaseUrl, health: &Arc<Health>) -> ConnectOptions {
    let mut options = pool_options(url);
    // `Health` decides which idle connections are pinged
    options.test_before_acquire(false);
    let (postgres, mysql) = (Arc::clone(health), Arc::clone(health));
    options.map_sqlx_postgres_before_acquire(move |connection, meta| {
        let health = Arc::clone(&postgres);
        Box::pin(async move { health.ping_if_suspect(connection, meta.idle_for).await })
    });
    options.map_sqlx_mysql_before_acquire(move |connection, meta| {
        let health = Arc::clone(&mysql);
        Box::pin(async move { health.ping_if_suspect(connection, meta.idle_for).await })
    });
    set_on_postgres(&mut options, POSTGRES_REQUIRED, POSTGRES_OPTIONAL);
    set_on_mysql(&mut options, MYSQL_REQUIRED, MYSQL_OPTIONAL);
    options
}

/// Runs the required and the optional settings on a new connection. A macro, because no function can be generic over
/// the connections of sqlx here: their `Executor` is implemented for one lifetime at a time.
macro_rules! set_on {
    ($connection:ident, $required:ident, $optional:ident) => {
        Box::pin(async move {
            for setting in $required {
                $connection.execute(*setting).await?;
            }
            for setting in $optional {
                if let Err(cause) = $connection.execute(*setting).await {
                    tracing::debug!(%cause, setting, "the database does not support this setting");
                }
            }
            Ok(())
        })
    };
}

fn set_on_postgres(options: &mut ConnectOptions, required: Settings, optional: Settings) {
    options.map_sqlx_postgres_pool_opts(move |pool| {
        pool.after_connect(move |connection, _| set_on!(connection, required, optional))
    });
}

fn set_on_mysql(options: &mut ConnectOptions, required: Settings, optional: Settings) {
    options.map_sqlx_mysql_pool_opts(move |pool| {
        pool.after_connect(move |connection, _| set_on!(connection, required, optional))
    });
}
