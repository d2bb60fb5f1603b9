//! `union_conflicts`: identities whose unionid is linked to another user than the identity. A login leaves the two
//! accounts separate and records the conflict here for an operator.

use sea_orm::entity::prelude::*;

use crate::{IdentityId, Timestamp, UnionId};

/// A conflict between an identity and its unionid.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "union_conflicts")]
pub struct Model {
    /// The identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub identity_id: IdentityId,
    /// The open-platform account, by its name in the settings.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub open_platform: String,
    /// The unionid within it.
    #[sea_orm(column_type = "String(StringLen::N(64))", indexed)]
    pub unionid: UnionId,
    /// When a login first detected the conflict.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
