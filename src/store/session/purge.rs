//! Removes sessions that ended long ago.

use entity::{SessionId, Timestamp, session};
use sea_orm::{ColumnTrait, Condition, DbErr, sea_query::IntoCondition};

use crate::store::{Store, delete_batch::delete_batch};

impl Store {
    /// Removes up to `limit` sessions that expired, and as many that were ended, before `before`, and returns their
    /// number. Several nodes may do so at the same time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_purge(&self, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
        let (ended_at, expires_at) = (session::Column::EndedAt, session::Column::ExpiresAt);
        // two statements with an index each: one statement for both would use neither index
        let expired = Condition::all().add(expires_at.lt(before)).add(ended_at.is_null());
        let mut removed = 0;
        for (which, order) in [(expired, expires_at), (ended_at.lt(before).into_condition(), ended_at)] {
            let columns = (session::Column::Id, Some(order));
            let delete = move |db| delete_batch::<session::Entity, SessionId>(db, columns, which.clone(), limit);
            removed += self.db.run(delete).await?;
        }
        Ok(removed)
    }
}
