//! `user_metadata`: metadata that a client stores with its user's account. A table of its own, because few requests
//! read it.

use sea_orm::entity::prelude::*;

use crate::{Metadata, Timestamp, UserId};

/// A user's metadata.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_metadata")]
pub struct Model {
    /// The user. No foreign key: see the migration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The metadata, as compact JSON.
    #[sea_orm(column_type = "Text")]
    pub json: Metadata,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
