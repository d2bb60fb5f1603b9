//! `merge_tickets`: permits a user to merge their account with another one, after they proved that an identity of the
//! other account is theirs. A ticket is used once; its row is deleted when it is used.

use sea_orm::entity::prelude::*;

use crate::{IdentityId, TicketHash, Timestamp, UserId};

/// A merge ticket.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merge_tickets")]
pub struct Model {
    /// The hash of the ticket; the ticket itself is not stored.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Binary(32)")]
    pub ticket_hash: TicketHash,
    /// The user who may use the ticket.
    #[sea_orm(indexed)]
    pub user_id: UserId,
    /// An identity of the other account.
    #[sea_orm(indexed)]
    pub identity_id: IdentityId,
    /// When it expires.
    #[sea_orm(indexed)]
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
