//! `media_checks`: the pictures that WeChat was asked to check, and has not yet said what it thinks of. No foreign keys:
//! a row is removed when the outcome comes, or after a day.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UserId};

/// A check that is under way.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media_checks")]
pub struct Model {
    /// WeChat's name for the check.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(128))")]
    pub trace_id: String,
    /// The mini program that asked.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub app_id: String,
    /// Whose picture it is.
    pub user_id: UserId,
    /// The picture: a key of `media_files`.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub media_key: String,
    /// When WeChat was asked.
    #[sea_orm(indexed)]
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
