//! The migration lock: a row with one owner at a time. Advisory locks have no effect on some engines with PostgreSQL's
//! protocol, and depend on a connection. The lock expires unless its owner renews it, so that a process that died does
//! not block the others for long.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr,
    sea_query::{Expr, ExprTrait, InsertStatement, OnConflict, Query, Table, UpdateStatement},
};
use sea_orm_migration::{
    SchemaManager,
    schema::{big_integer, string_len},
};
use tokio::time::{Instant, sleep};

use crate::{
    random::{self, UniqueId},
    store::database::{is_missing_table, is_transient},
};

/// Named after sea-orm's table of migrations, `seaql_migrations`.
const TABLE: &str = "seaql_migrations_lock";

/// The key of the only row.
const KEY: &str = "migrate";

/// How long the lock lasts without a renewal, in seconds of the database's clock, which all processes share.
const LEASE: i64 = 20;

/// The interval of renewals.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(5);

/// How long to wait for the lock, and the delay between two attempts.
const ACQUIRE_TIMEOUT: Duration = Duration::from_mins(5);
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// A lock that is held.
pub(super) struct Lock {
    db: DatabaseConnection,
    owner: UniqueId,
}

impl Lock {
    /// Waits for the lock.
    ///
    /// # Errors
    /// When the database fails, or another process holds the lock for too long.
    pub(super) async fn acquire(db: &DatabaseConnection) -> Result<Self, DbErr> {
        create_table(db).await?;
        let lock = Self { db: db.clone(), owner: random::unique_id() };
        let deadline = Instant::now() + ACQUIRE_TIMEOUT;
        while !lock.try_take().await? {
            if Instant::now() >= deadline {
                return Err(DbErr::Custom("another process has been migrating for too long".to_owned()));
            }
            sleep(RETRY_DELAY).await;
        }
        Ok(lock)
    }

    /// Runs a future and renews the lock meanwhile. Drops the future if the lock is lost.
    ///
    /// # Errors
    /// Those of the future, and one if another process took the lock.
    pub(super) async fn run<T>(&self, future: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        tokio::select! {
            outcome = future => outcome,
            lost = self.renew_until_lost() => Err(lost),
        }
    }

    /// Releases the lock.
    ///
    /// # Errors
    /// When the database fails; the lock then expires.
    pub(super) async fn release(self) -> Result<(), DbErr> {
        self.update_row(Self::update("", Expr::val(0_i64)).and_where(self.is_owner()).take()).await.map(drop)
    }

    /// Takes the lock if it is free. The conditional update lets one of several concurrent processes succeed.
    async fn try_take(&self) -> Result<bool, DbErr> {
        let expired = Expr::col("expires_at").lte(self.clock());
        let take = Self::update(&self.owner, self.expiry()).and_where(expired).take();
        let taken = async {
            self.db.execute(&unowned_row()).await?;
            self.update_row(take).await
        };
        match taken.await {
            // another process was faster, or the table it created is not visible on this connection yet
            Err(error) if is_transient(&error) || is_missing_table(&error) => Ok(false),
            outcome => outcome,
        }
    }

    /// Renews the lock at each interval until another process has it.
    async fn renew_until_lost(&self) -> DbErr {
        loop {
            sleep(RENEWAL_INTERVAL).await;
            match self.update_row(Self::update(&self.owner, self.expiry()).and_where(self.is_owner()).take()).await {
                Ok(true) => {}
                Ok(false) => return DbErr::Custom("another process took over the migration".to_owned()),
                // the next attempt comes before the lock expires
                Err(cause) => tracing::warn!(%cause, "the migration lock was not renewed"),
            }
        }
    }

    fn update(owner: &str, expires_at: Expr) -> UpdateStatement {
        let mut update = Query::update();
        update.table(TABLE).value("owner", owner).value("expires_at", expires_at);
        update.and_where(Expr::col("name").eq(KEY)).take()
    }

    fn is_owner(&self) -> Expr {
        Expr::col("owner").eq(&*self.owner)
    }

    fn expiry(&self) -> Expr {
        self.clock().add(LEASE)
    }

    /// The current time of the database, in seconds.
    fn clock(&self) -> Expr {
        Expr::cust(match self.db.get_database_backend() {
            DbBackend::MySql => "UNIX_TIMESTAMP()",
            _ => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS bigint)",
        })
    }

    /// Runs a conditional update, and returns whether it found the row.
    async fn update_row(&self, update: UpdateStatement) -> Result<bool, DbErr> {
        Ok(self.db.execute(&update).await?.rows_affected() == 1)
    }
}

/// Drops the table of the lock.
///
/// # Errors
/// When the database fails.
pub(super) async fn drop_table(db: &DatabaseConnection) -> Result<(), DbErr> {
    SchemaManager::new(db).drop_table(Table::drop().table(TABLE).if_exists().take()).await
}

async fn create_table(db: &DatabaseConnection) -> Result<(), DbErr> {
    let manager = SchemaManager::new(db);
    let table = Table::create()
        .table(TABLE)
        .if_not_exists()
        .col(string_len("name", 16).primary_key())
        .col(string_len("owner", 16))
        .col(big_integer("expires_at"))
        .take();
    match manager.create_table(table).await {
        // in PostgreSQL, two processes that create one table can collide in the catalogue despite IF NOT EXISTS
        Err(_) if manager.has_table(TABLE).await? => Ok(()),
        outcome => outcome,
    }
}

/// Inserts the row unless it exists.
fn unowned_row() -> InsertStatement {
    Query::insert()
        .into_table(TABLE)
        .columns(["name", "owner", "expires_at"])
        .values_panic([KEY.into(), "".into(), 0_i64.into()])
        .on_conflict(OnConflict::column("name").do_nothing_on(["name"]).to_owned())
        .take()
}
