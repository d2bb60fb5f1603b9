//! Merge tickets: issued to a user who proved an identity of another account, used once, removed when they expire.

use entity::{IdentityId, TicketHash, Timestamp, UserId, merge_ticket};
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::store::{Store, database::Connection};

impl Store {
    /// Stores a ticket.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn merge_ticket_insert(&self, ticket: &merge_ticket::Model) -> Result<(), DbErr> {
        let ticket = ticket.clone();
        self.db.run(move |db| insert(db, ticket.clone())).await
    }

    /// A ticket, if `user` may use it at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn merge_ticket(
        &self,
        hash: &TicketHash,
        user: UserId,
        now: Timestamp,
    ) -> Result<Option<merge_ticket::Model>, DbErr> {
        let found = merge_ticket::Entity::find_by_id(hash.clone());
        let found = found.filter(merge_ticket::Column::UserId.eq(user));
        self.db.one(found.filter(merge_ticket::Column::ExpiresAt.gt(now))).await
    }

    /// Removes up to `limit` tickets that had expired by `before`, and returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn merge_tickets_purge(&self, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
        self.db.run(move |db| purge(db, before, limit)).await
    }
}

/// Inserts the row. A retry may find the row of the previous attempt.
async fn insert(db: Connection, ticket: merge_ticket::Model) -> Result<(), DbErr> {
    let row = merge_ticket::ActiveModel::from(ticket).reset_all();
    let insert = merge_ticket::Entity::insert(row).on_conflict_do_nothing_on([merge_ticket::Column::TicketHash]);
    insert.exec_without_returning(&db).await.map(drop)
}

async fn purge(db: Connection, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
    use merge_ticket::Column::{ExpiresAt, TicketHash as Hash};
    let expired = merge_ticket::Entity::find().select_only().column(Hash).filter(ExpiresAt.lte(before));
    let hashes: Vec<TicketHash> = expired.order_by_asc(ExpiresAt).limit(limit).into_tuple().all(&db).await?;
    if hashes.is_empty() {
        return Ok(0);
    }
    Ok(merge_ticket::Entity::delete_many().filter(Hash.is_in(hashes)).exec(&db).await?.rows_affected)
}

/// Uses a ticket and returns its identity; `None` if it was already used or has expired.
pub(super) async fn merge_ticket_use_in(
    tx: &Connection,
    hash: &TicketHash,
    user: UserId,
    now: Timestamp,
) -> Result<Option<IdentityId>, DbErr> {
    let ticket = merge_ticket::Entity::find_by_id(hash.clone()).one(tx).await?;
    let delete = merge_ticket::Entity::delete_by_id(hash.clone());
    let delete = delete.filter(merge_ticket::Column::UserId.eq(user)).filter(merge_ticket::Column::ExpiresAt.gt(now));
    let is_used = delete.exec(tx).await?.rows_affected == 1;
    Ok(ticket.filter(|_| is_used).map(|ticket| ticket.identity_id))
}
