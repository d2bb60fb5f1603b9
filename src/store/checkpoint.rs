//! What was removed from SQLite leaves its files: `secure_delete` overwrites it in the database, and a checkpoint takes it
//! out of the write-ahead log, which holds pages as they were before. Other databases do this by themselves.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::{Store, database::Connection};

impl Store {
    /// Writes the log back into the database file and empties it. `false` where a reader is in the way: try again later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self) -> Result<bool, DbErr> {
        if self.db.backend() != DbBackend::Sqlite {
            return Ok(true);
        }
        self.db.run(checkpoint).await
    }
}

async fn checkpoint(db: Connection) -> Result<bool, DbErr> {
    let statement = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
    let row = db.query_one_raw(statement).await?;
    let is_busy = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?.unwrap_or_default();
    Ok(is_busy == 0)
}
