//! Removes sessions that ended long ago.

use entity::{SessionId, Timestamp, session};
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::IntoCondition,
};

use crate::store::{Store, database::Connection};

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
            removed += self.db.run(move |db| purge(db, which.clone(), order, limit)).await?;
        }
        Ok(removed)
    }
}

async fn purge(db: Connection, which: Condition, order: session::Column, limit: u64) -> Result<u64, DbErr> {
    let old = session::Entity::find().select_only().column(session::Column::Id).filter(which.clone());
    let mut old: Vec<SessionId> = old.order_by_asc(order).limit(limit).into_tuple().all(&db).await?;
    if old.is_empty() {
        return Ok(0);
    }
    // one order of locks, so that two nodes do not deadlock
    old.sort_unstable();
    let delete = session::Entity::delete_many().filter(session::Column::Id.is_in(old));
    Ok(delete.filter(which).exec(&db).await?.rows_affected)
}
