//! `feed_heads`: the last position of each lane of the feed.

use sea_orm::entity::prelude::*;

/// A lane.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_heads")]
pub struct Model {
    /// The lane.
    #[sea_orm(primary_key, auto_increment = false)]
    pub lane: i32,
    /// Position of the newest row of the lane; 0 while the lane is empty.
    pub position: i64,
}

impl ActiveModelBehavior for ActiveModel {}
