//! `media_files`: the pictures that are stored, are being stored, or are to be deleted. A row is inserted before its
//! object is written and removed after its object is deleted, so that every object has a row even if a step fails. No
//! foreign key: the row outlives its user.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UserId};

/// A picture.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media_files")]
pub struct Model {
    /// Name of the object, from unguessable random bytes.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub key: String,
    /// The owner of the picture; the user may be deleted already.
    #[sea_orm(indexed)]
    pub user_id: UserId,
    /// The state of its life cycle.
    pub state: State,
    /// When the state last changed.
    pub changed_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// The life cycle of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// The object is being written. A row that stays in this state belongs to an interrupted upload, and is deleted.
    Pending,
    /// The picture is in use: the user's row refers to it.
    Live,
    /// The object is to be deleted, and then the row.
    Deleting,
}
