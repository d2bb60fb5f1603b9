//! `content_flags`: content that stays although WeChat's content check did not pass it. An operator reviews it.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UserId};

/// A flag on one part of a user's profile.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "content_flags")]
pub struct Model {
    /// The owner of the content. No foreign key: see the migration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The part of the profile.
    #[sea_orm(primary_key, auto_increment = false)]
    pub field: Field,
    /// The result of the check.
    pub suggestion: Suggestion,
    /// WeChat's label: the number of the violated category, if WeChat returned one.
    pub label: Option<i32>,
    /// When it was checked.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// A part of a profile that others see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Field {
    /// The name.
    Nickname,
    /// The picture.
    Avatar,
}

/// Why content is flagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Suggestion {
    /// WeChat found a violation of its rules.
    Risky,
    /// WeChat recommends a manual review.
    Review,
    /// WeChat did not check it: the call failed.
    Unchecked,
}

impl Field {
    /// Its name in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nickname => "NICKNAME",
            Self::Avatar => "AVATAR",
        }
    }
}

impl Suggestion {
    /// Its name in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Risky => "RISKY",
            Self::Review => "REVIEW",
            Self::Unchecked => "UNCHECKED",
        }
    }
}
