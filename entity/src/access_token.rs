//! `access_tokens`: the token that calls of WeChat's API need, one for each mini program, shared by all nodes.

use sea_orm::entity::prelude::*;

use crate::{Sealed, Timestamp};

/// The access token of a mini program.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_tokens")]
pub struct Model {
    /// The mini program's appid.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(64))")]
    pub app_id: String,
    /// The token, encrypted; `None` before there was one.
    #[sea_orm(column_type = "VarBinary(StringLen::N(1024))", nullable)]
    pub sealed_token: Option<Sealed>,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// Until when a node that renews the token may take; `None` while none does. A node that is gone leaves a claim, which
    /// another takes over when it has expired.
    pub renewing_until: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
