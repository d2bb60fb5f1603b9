//! Merge tickets: issued to a user who proved an identity of another account, used once, removed when they expire.

use entity::{IdentityId, TicketHash, Timestamp, UserId, merge_ticket};
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, QueryFilter};

use crate::store::{Store, database::Connection, delete_batch::delete_batch};

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
        let (key, expires_at) = (merge_ticket::Column::TicketHash, merge_ticket::Column::ExpiresAt);
        let which = move || expires_at.lte(before);
        let delete =
            move |db| delete_batch::<merge_ticket::Entity, TicketHash>(db, (key, Some(expires_at)), which(), limit);
        self.db.run(delete).await
    }
}

/// Inserts the row. A retry may find the row of the previous attempt.
async fn insert(db: Connection, ticket: merge_ticket::Model) -> Result<(), DbErr> {
    let row = merge_ticket::ActiveModel::from(ticket).reset_all();
    let insert = merge_ticket::Entity::insert(row).on_conflict_do_nothing_on([merge_ticket::Column::TicketHash]);
    insert.exec_without_returning(&db).await.map(drop)
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
