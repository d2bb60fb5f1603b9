//! `union_links`: the user of each unionid. All mini programs bound to one open-platform account share a person's
//! unionid, so it connects the identities of one person. As with identities, the primary key decides races.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UnionId, UserId};

/// A unionid and its user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "union_links")]
pub struct Model {
    /// The open-platform account, by its name in the settings.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub open_platform: String,
    /// The unionid within it.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub unionid: UnionId,
    /// The user of the unionid.
    #[sea_orm(indexed)]
    pub user_id: UserId,
    /// When the two were linked.
    pub created_at: Timestamp,
    /// The user of the unionid.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "Cascade")]
    pub user: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
