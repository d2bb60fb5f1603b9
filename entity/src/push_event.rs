//! `push_events`: the events that WeChat pushed during the last day. Each takes effect once, however often WeChat
//! repeats it and whichever node receives it.

use sea_orm::entity::prelude::*;

use crate::{EventHash, Timestamp};

/// An event that was applied.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "push_events")]
pub struct Model {
    /// The hash of the event; the event itself is not stored.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Binary(32)")]
    pub event_hash: EventHash,
    /// When the event was applied.
    #[sea_orm(indexed)]
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
