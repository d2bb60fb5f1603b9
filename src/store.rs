//! The only place that speaks to the database. One method is one step of a story: a single statement, or one
//! transaction that begins with a write. No transaction is open while anything else is waited for.

use sea_orm::{ConnAcquireErr, DatabaseConnection, DbErr};

use crate::error::{ApiError, Code};

mod code_exchange;
mod connect;
mod doubt;
mod login;
mod migrate;
mod reseal;
mod session;
mod transaction;
mod user;

pub use code_exchange::Claim;
pub use connect::{connect, describe, is_embedded};
pub use login::{LoggedIn, Login, NewSession};
pub use migrate::SchemaState;
pub use reseal::ResealedIdentity;
pub use session::{Page, Window};

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    db: DatabaseConnection,
}

impl Store {
    /// A store on connections that are already open.
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self { db }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.db.ping().await.inspect_err(doubt::raise)
    }

    /// Closes the connections. SQLite then folds its log into the database file.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn close(self) -> Result<(), DbErr> {
        self.db.close().await
    }
}

impl From<DbErr> for ApiError {
    fn from(cause: DbErr) -> Self {
        doubt::raise(&cause);
        match cause {
            // no connection came free in time: there is more to do than the database manages
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Self::new(Code::Overloaded).cause(cause),
            _ => Self::internal(cause),
        }
    }
}
