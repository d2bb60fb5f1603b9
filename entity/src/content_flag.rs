//! `content_flags`: content that was kept although WeChat's content check did not pass it, for the operator to look at.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UserId};

/// A flag on one part of a user's profile.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "content_flags")]
pub struct Model {
    /// Whose content it is. No foreign key: see the migration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The part of the profile.
    #[sea_orm(primary_key, auto_increment = false)]
    pub field: Field,
    /// What the check said of it.
    pub suggestion: Suggestion,
    /// WeChat's number for what is wrong with it, where it gave one.
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
    /// WeChat found it to break the rules.
    Risky,
    /// WeChat wants a person to look at it.
    Review,
    /// WeChat could not be asked.
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
