//! Parses `DATABASE_URL` once. The label in messages, the options of the driver and the safety checks all use these
//! parts, so that none of them can take the same text for another address. An ambiguous address is refused.

mod parameters;
mod server;
mod sqlite;
#[cfg(test)]
mod tests;

pub use server::{DatabaseServer, Host, Tls, TlsMode};
pub use sqlite::SqliteDatabase;

use std::{fmt, str::FromStr};

use super::problems::InvalidValue;
use server::Dialect;

const PERCENT: InvalidValue = "a % must be written as %25";

/// The address of the database.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// The embedded database.
    Sqlite(SqliteDatabase),
    /// `PostgreSQL`, or what speaks its protocol.
    Postgres(DatabaseServer),
    /// `MySQL`, `MariaDB`, or what speaks their protocol.
    MySql(DatabaseServer),
}

/// Why the address of a database is invalid. It contains nothing of the text but the name of a parameter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// The address has an unknown form, or is ambiguous.
    #[error("{0}")]
    Malformed(InvalidValue),
    /// An unknown parameter.
    #[error("the parameter {name} is unknown; known are {known}")]
    UnknownParameter {
        /// Its name, or its position if the name could be part of a password.
        name: String,
        /// The known parameters.
        known: &'static str,
    },
    /// A parameter with an invalid value.
    #[error("the parameter `{0}` {1}")]
    BadParameter(&'static str, InvalidValue),
}

impl From<InvalidValue> for DatabaseUrlError {
    fn from(reason: InvalidValue) -> Self {
        Self::Malformed(reason)
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => SqliteDatabase::parse(rest).map(Self::Sqlite),
            "postgres" | "postgresql" => DatabaseServer::parse(rest, Dialect::Postgres).map(Self::Postgres),
            "mysql" | "mariadb" => DatabaseServer::parse(rest, Dialect::MySql).map(Self::MySql),
            _ => Err("must begin with sqlite:, postgres:// or mysql://".into()),
        }
    }
}

impl DatabaseUrl {
    /// Whether this is the embedded database, which only this process uses and which is migrated at each start.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// The label for messages: the kind and address of the database, without user and password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(database) => write!(f, "SQLite {database}"),
            Self::Postgres(server) => write!(f, "PostgreSQL {server}"),
            Self::MySql(server) => write!(f, "MySQL {server}"),
        }
    }
}

/// Decodes `%XX`. Control characters are refused: a driver could cut the text at a NUL, and a log could break the line.
fn decode(text: &str) -> Result<String, InvalidValue> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.as_bytes().split_at_checked(2).ok_or(PERCENT)?;
        bytes.push(hex(digits).ok_or(PERCENT)?);
        bytes.extend_from_slice(rest);
    }
    let text = String::from_utf8(bytes).map_err(|_| "must be UTF-8 once its %XX are decoded")?;
    if text.contains(char::is_control) { Err("must not contain control characters") } else { Ok(text) }
}

/// The byte of two hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u8> {
    let are_digits = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = str::from_utf8(digits).ok().filter(|_| are_digits)?;
    u8::from_str_radix(digits, 16).ok()
}
