//! `union_conflicts`: identities whose unionid belongs to another user than they do. A login leaves the two accounts apart
//! and notes it here, for an operator to see.

use sea_orm::entity::prelude::*;

use crate::{IdentityId, Timestamp, UnionId};

/// An identity and the unionid that belongs to another user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "union_conflicts")]
pub struct Model {
    /// The identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub identity_id: IdentityId,
    /// The open-platform account, by the name the settings give it.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub open_platform: String,
    /// The unionid within it.
    #[sea_orm(column_type = "String(StringLen::N(64))", indexed)]
    pub unionid: UnionId,
    /// When a login first met the conflict.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
