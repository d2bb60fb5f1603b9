//! `merged_users`: users that were merged into another user. The old id resolves to the surviving user.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UserId};

/// A user that was merged.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merged_users")]
pub struct Model {
    /// The id of the user that no longer exists.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// The surviving user; never one that was merged itself.
    #[sea_orm(indexed)]
    pub into_user: UserId,
    /// When they were merged.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
