//! `media_checks`: the pictures whose check at WeChat is pending. No foreign keys: a row is removed when WeChat pushes
//! the result, or after a day.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, UserId};

/// A pending check.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media_checks")]
pub struct Model {
    /// WeChat's id of the check.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(128))")]
    pub trace_id: String,
    /// The mini program that requested the check.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub app_id: String,
    /// The owner of the picture.
    pub user_id: UserId,
    /// The key of the picture in `media_files`.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub media_key: String,
    /// When the check was requested.
    #[sea_orm(indexed)]
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
