//! The only place that speaks to the database. One method is one step of a story: a single statement, which may be asked
//! for many at once, or one transaction that begins with a write. No transaction is open while anything else is waited
//! for.

use std::sync::Arc;

use entity::SessionId;
pub use sea_orm::DbErr;
use sea_orm::{ConnAcquireErr, DatabaseConnection};

use batch::Batches;
use connections::Connections;

use crate::error::{ApiError, Code};

mod batch;
mod code_exchange;
mod connect;
mod connections;
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
    db: Connections,
    /// What is asked with every request, and therefore in batches.
    batches: Arc<Asked>,
    /// What the feed is read over: a connection of its own, because requests that wait for one must not keep the news
    /// that they are no longer welcome waiting as well.
    feed: DatabaseConnection,
}

/// The questions that are asked in batches.
#[derive(Debug)]
struct Asked {
    sessions: Batches<SessionId, session::WithUser>,
    identities: Batches<user::Name, user::Known>,
    claims: Option<Batches<Claim, bool>>,
    outcomes: Option<Batches<code_exchange::Kept, bool>>,
    logins: Option<Batches<Login, login::Greeted>>,
}

impl Store {
    /// A store on connections that are already open; the feed is read over `feed`.
    #[must_use]
    pub fn new(db: DatabaseConnection, feed: DatabaseConnection) -> Self {
        let db = Connections::of(db);
        let batches = Arc::new(Asked {
            sessions: session::batches(&db),
            identities: user::batches(&db),
            claims: code_exchange::claims(&db),
            outcomes: code_exchange::outcomes(&db),
            logins: login::batches(&db),
        });
        Self { db, batches, feed }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.db.pool().ping().await.inspect_err(doubt::raise)
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
