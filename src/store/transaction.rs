//! How a transaction begins, and what happens when two of them meet.

use sea_orm::{DatabaseTransaction, DbErr, RuntimeErr, sqlx};

use super::Store;

/// How often a transaction is run before its conflict is given back to the caller.
pub(super) const ATTEMPTS: u32 = 5;

impl Store {
    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.db.begin().await
    }

    /// Runs a transaction, and runs it again where the database undid it in favour of another one.
    pub(super) async fn retried<T, F>(&self, transaction: impl Fn() -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        let mut attempt = 1;
        loop {
            match transaction().await {
                Err(error) if attempt < ATTEMPTS && is_conflict(&error) => attempt += 1,
                outcome => return outcome,
            }
        }
    }
}

/// Whether the database undid the transaction because of another one: a deadlock (`PostgreSQL` 40P01, `MySQL` 1213),
/// a serialization failure (40001), or a row that another transaction deleted in between (foreign key: 23503, 1452).
pub(super) fn is_conflict(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    let sqlx::Error::Database(cause) = cause.as_ref() else { return false };
    if let Some(mysql) = cause.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return matches!(mysql.number(), 1213 | 1452);
    }
    matches!(cause.code().as_deref(), Some("40P01" | "40001" | "23503"))
}
