//! The only module that uses the database. One method is one unit of work, which runs to its end even if its caller is
//! cancelled (see `database`): reads, one statement that may be batched (see `batcher`), or one transaction that begins
//! with a write. No transaction is open while anything else is awaited.

use std::sync::Arc;

use entity::{Metadata, SessionId, UserId};
pub use sea_orm::DbErr;
use sea_orm::{ConnAcquireErr, ConnectionTrait, DatabaseConnection};

use batcher::Batcher;
use database::{Database, Health};
use shared_statement::SharedStatement;

use crate::error::{ApiError, Code};

mod access_token;
mod batcher;
mod checkpoint;
mod code_exchange;
mod connect;
mod content_flag;
mod database;
mod delete_batch;
mod feed;
mod identity;
mod login;
mod media;
mod media_check;
mod migrate;
mod push_event;
mod session;
mod shared_statement;
mod user;
mod user_lock;

pub use access_token::RenewalClaim;
pub use code_exchange::{CodeClaim, CodeOutcome};
pub use connect::connect;
pub use content_flag::Flag;
pub use feed::{Change, FeedRange};
pub use identity::{Linked, Merge, Merged, ProvenIdentity, ResealedIdentity, UnionConflict, Unlink, Unlinked};
pub use login::{KnownIdentity, LoggedIn, Login, LoginOutcome, NewSession};
pub use media_check::{CheckedPicture, MediaOutcome, PictureVerdict};
pub use migrate::SchemaState;
pub use push_event::{ProfileEffect, ProfileEvent};
pub use session::{Page, PageRequest};
pub use user::{Edit, PhoneBinding, ProfileEdit, StoredPhone, UserRows};

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    db: Database,
    batchers: Arc<Batchers>,
    /// Separate connections for the feed: requests that wait for a connection must not delay the reads that end
    /// sessions.
    feed: Database,
    /// Connections for migrations, without time limits, because altering a large table may take long.
    migrations: DatabaseConnection,
}

/// The batched lookups and writes.
#[derive(Debug)]
struct Batchers {
    sessions: Batcher<SessionId, session::SessionWithUser>,
    identities: Batcher<identity::IdentityKey, identity::IdentityWithUser>,
    metadata: Batcher<UserId, Option<Metadata>>,
    claims: SharedStatement<CodeClaim, bool>,
    outcomes: SharedStatement<CodeOutcome, bool>,
    logins: SharedStatement<Login, Option<login::LoginRow>>,
}

impl Store {
    /// A store on open connection pools; the feed is read through `feed`.
    #[must_use]
    pub fn new(db: DatabaseConnection, feed: DatabaseConnection) -> Self {
        let migrations = db.clone();
        let [db, feed] = [db, feed].map(|pool| Database::new(pool, Arc::new(Health::default())));
        Self::on(db, feed, migrations)
    }

    fn on(db: Database, feed: Database, migrations: DatabaseConnection) -> Self {
        let batchers = Arc::new(Batchers {
            sessions: session::batcher(&db),
            identities: identity::batcher(&db),
            metadata: user::batcher(&db),
            claims: code_exchange::claims(&db),
            outcomes: code_exchange::outcomes(&db),
            logins: login::shared(&db),
        });
        Self { db, batchers, feed, migrations }
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.db.run(|db| async move { db.execute_unprepared("SELECT 1").await.map(drop) }).await
    }

    /// The number of statements run so far, without those that read the feed.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.db.statements()
    }

    /// Waits for running units of work, then closes the connections. `SQLite` then writes its log back into the
    /// database file.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close(self) -> Result<(), DbErr> {
        self.feed.close().await?;
        self.migrations.close().await?;
        self.db.close().await
    }
}

impl From<DbErr> for ApiError {
    fn from(cause: DbErr) -> Self {
        match cause {
            // no connection came free in time: the database is overloaded
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Self::new(Code::Overloaded).cause(cause),
            _ => Self::internal(cause),
        }
    }
}
