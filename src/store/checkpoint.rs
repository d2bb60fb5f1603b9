//! Erases deleted rows from the files of SQLite: `secure_delete` overwrites them in the database file, and a checkpoint
//! removes their old pages from the write-ahead log. Other databases do this by themselves.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::{Store, database::Connection};

impl Store {
    /// Writes the log back into the database file and truncates it. `false` if a reader prevents it; it may be repeated
    /// later.
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
