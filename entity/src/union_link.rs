//! `union_links`: which user a unionid belongs to. A unionid is shared by every mini program bound to one
//! open-platform account, so it joins identities of one person; its key decides races, as an identity's does.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UnionId, UserId};

/// A unionid and its user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "union_links")]
pub struct Model {
    /// The open-platform account, by the name the settings give it.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub open_platform: String,
    /// The unionid within it.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub unionid: UnionId,
    /// Whose it is.
    #[sea_orm(indexed)]
    pub user_id: UserId,
    /// When the two were linked.
    pub created_at: Timestamp,
    /// Whose it is.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "Cascade")]
    pub user: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
