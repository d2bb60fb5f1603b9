//! `media_files`: the pictures that are stored, are being stored, or are to be deleted. A row is there before its
//! object is written and until after its object is deleted, so that no object is without a row, whatever happens in
//! between. No foreign key: the row outlives its user.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UserId};

/// A picture.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media_files")]
pub struct Model {
    /// Name of the object: nobody can guess it.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub key: String,
    /// Whose picture it is, or was.
    #[sea_orm(indexed)]
    pub user_id: UserId,
    /// What is to become of it.
    pub state: State,
    /// When the state last changed.
    pub changed_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// What is to become of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// The object is being written. One that stays so was cut, and is deleted.
    Pending,
    /// The user's row names it.
    Live,
    /// The object is to be deleted, and then the row.
    Deleting,
}
