//! `access_tokens`: the access token for WeChat's API, one row for each mini program, shared by all nodes.

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
    /// The token, encrypted; `None` until the first renewal.
    #[sea_orm(column_type = "VarBinary(StringLen::N(1024))", nullable)]
    pub sealed_token: Option<Sealed>,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// The deadline of the node that renews the token; `None` while no node renews it. The claim of a node that died
    /// expires at this time, and another node takes it over.
    pub renewing_until: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
