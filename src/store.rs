//! The only place that speaks to the database. One method is one step of a story: a single statement, or one
//! transaction that begins with a write. No transaction is open while anything else is waited for.

pub use sea_orm::DbErr;
use sea_orm::{ConnAcquireErr, DatabaseConnection};

use crate::error::{ApiError, Code};

mod code_exchange;
mod connect;
mod doubt;
mod feed;
mod login;
mod migrate;
mod profile;
mod reseal;
mod session;
mod status;
mod transaction;
mod user;

pub use code_exchange::Claim;
pub use connect::{connect, describe, is_embedded};
pub use feed::{Change, Stretch};
pub use login::{Known, LoggedIn, Login, NewSession};
pub use migrate::SchemaState;
pub use profile::{Edit, ProfileEdit};
pub use reseal::ResealedIdentity;
pub use session::{Page, Window};

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    db: DatabaseConnection,
    /// What the feed is read over: a connection of its own, because requests that wait for one must not keep the news
    /// that they are no longer welcome waiting as well.
    feed: DatabaseConnection,
}

impl Store {
    /// A store on connections that are already open; the feed is read over `feed`.
    #[must_use]
    pub fn new(db: DatabaseConnection, feed: DatabaseConnection) -> Self {
        Self { db, feed }
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
        self.feed.close().await?;
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
