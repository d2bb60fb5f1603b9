//! `merged_users`: users that are gone because they were merged into another one, whose row answers for their ids.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UserId};

/// A user that was merged.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merged_users")]
pub struct Model {
    /// The user that is gone.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// The user that answers for it: never one that was merged itself.
    #[sea_orm(indexed)]
    pub into_user: UserId,
    /// When they were merged.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
