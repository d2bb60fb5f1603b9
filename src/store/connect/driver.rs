//! Builds each driver's options from the parsed address. The drivers do not parse the address themselves, because they
//! could read it differently, and sqlx prints unknown parameters in its warnings.

use sea_orm::{
    ConnectOptions,
    sqlx::{
        ConnectOptions as _,
        mysql::{MySqlConnectOptions, MySqlSslMode},
        postgres::{PgConnectOptions, PgSslMode},
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};
use secrecy::ExposeSecret;

use super::ACQUIRE_TIMEOUT;
use crate::config::{DatabaseServer, DatabaseUrl, Host, SqliteDatabase, Tls, TlsMode};

/// Addresses for sea-orm that only select the driver. With a password, sqlx does not search `~/.pgpass` for one.
const SQLITE: &str = "sqlite::memory:";
const POSTGRES: &str = "postgres://none:none@localhost/none";
const MYSQL: &str = "mysql://none@localhost/none";

/// Prepared statements that a MySQL connection caches. OceanBase allows fifty per connection (`open_cursors`, error
/// 5930), and MySQL 16,382 for all connections (`max_prepared_stmt_count`).
const MYSQL_STATEMENTS: usize = 40;

/// The options for sea-orm, with those of the driver.
pub(super) fn options(url: &DatabaseUrl) -> ConnectOptions {
    match url {
        DatabaseUrl::Sqlite(database) => {
            let database = database.clone();
            let mut options = ConnectOptions::new(SQLITE);
            options.map_sqlx_sqlite_opts(move |memory| sqlite(&database, memory).disable_statement_logging());
            options
        }
        DatabaseUrl::Postgres(server) => {
            let server = server.clone();
            let mut options = ConnectOptions::new(POSTGRES);
            options.map_sqlx_postgres_opts(move |_| postgres(&server).disable_statement_logging());
            options
        }
        DatabaseUrl::MySql(server) => {
            let server = server.clone();
            let mut options = ConnectOptions::new(MYSQL);
            options.map_sqlx_mysql_opts(move |_| mysql(&server).disable_statement_logging());
            options
        }
    }
}

/// SQLite's options. With the write-ahead log, readers do not wait for a writer; with the busy timeout, writers wait
/// for each other instead of failing. `memory` are the options of a new database in memory.
fn sqlite(database: &SqliteDatabase, memory: SqliteConnectOptions) -> SqliteConnectOptions {
    let options = match database {
        SqliteDatabase::Memory => memory,
        SqliteDatabase::File { path, create } => SqliteConnectOptions::new().filename(path).create_if_missing(*create),
    };
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(ACQUIRE_TIMEOUT)
        .foreign_keys(true)
        // deleted rows are overwritten, so that the file contains nothing of a deleted account
        .pragma("secure_delete", "ON")
}

fn postgres(server: &DatabaseServer) -> PgConnectOptions {
    let mut options = PgConnectOptions::new_without_pgpass().database(&server.database);
    options = match &server.host {
        Host::Name(name) => options.host(name),
        Host::Socket(folder) => options.socket(folder),
    };
    // the driver's own default may come from PGPORT
    options = options.port(server.port.unwrap_or(5432));
    if let Some(user) = &server.user {
        options = options.username(user);
    }
    if let Some(password) = &server.password {
        options = options.password(password.expose_secret());
    }
    if let Some(name) = &server.application_name {
        options = options.application_name(name);
    }
    postgres_tls(options.options(server.startup_options.iter().map(|(name, value)| (name, value))), &server.tls)
}

fn postgres_tls(mut options: PgConnectOptions, tls: &Tls) -> PgConnectOptions {
    if let Some(mode) = tls.mode {
        options = options.ssl_mode(match mode {
            TlsMode::Disable => PgSslMode::Disable,
            TlsMode::Allow => PgSslMode::Allow,
            TlsMode::Prefer => PgSslMode::Prefer,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::VerifyCa => PgSslMode::VerifyCa,
            TlsMode::VerifyFull => PgSslMode::VerifyFull,
        });
    }
    if let Some(file) = &tls.root_certificate {
        options = options.ssl_root_cert(file);
    }
    if let Some(file) = &tls.client_certificate {
        options = options.ssl_client_cert(file);
    }
    if let Some(file) = &tls.client_key {
        options = options.ssl_client_key(file);
    }
    options
}

fn mysql(server: &DatabaseServer) -> MySqlConnectOptions {
    let mut options = MySqlConnectOptions::new().database(&server.database).port(server.port.unwrap_or(3306));
    options = match &server.host {
        Host::Name(name) => options.host(name),
        Host::Socket(path) => options.socket(path),
    };
    if let Some(user) = &server.user {
        options = options.username(user);
    }
    if let Some(password) = &server.password {
        options = options.password(password.expose_secret());
    }
    mysql_tls(options.statement_cache_capacity(MYSQL_STATEMENTS), &server.tls)
}

fn mysql_tls(mut options: MySqlConnectOptions, tls: &Tls) -> MySqlConnectOptions {
    if let Some(mode) = tls.mode {
        options = options.ssl_mode(match mode {
            TlsMode::Disable => MySqlSslMode::Disabled,
            TlsMode::Allow | TlsMode::Prefer => MySqlSslMode::Preferred,
            TlsMode::Require => MySqlSslMode::Required,
            TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
            TlsMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        });
    }
    if let Some(file) = &tls.root_certificate {
        options = options.ssl_ca(file);
    }
    if let Some(file) = &tls.client_certificate {
        options = options.ssl_client_cert(file);
    }
    if let Some(file) = &tls.client_key {
        options = options.ssl_client_key(file);
    }
    options
}

#[cfg(test)]
mod tests;
