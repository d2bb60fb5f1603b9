//! `code_exchanges`: the login codes that are being traded at WeChat or were a moment ago, so that nodes on one
//! database trade a code once and give the same outcome. A row outlives its code's use by seconds.

use sea_orm::entity::prelude::*;

use crate::{CodeHash, Sealed, Timestamp};

/// A login code that was, or is being, traded.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "code_exchanges")]
pub struct Model {
    /// Names the code; the code itself is not kept.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Binary(32)")]
    pub code_hash: CodeHash,
    /// What came of it, encrypted; `None` while WeChat is asked.
    #[sea_orm(column_type = "VarBinary(StringLen::N(2048))", nullable)]
    pub outcome: Option<Sealed>,
    /// Until when the row counts. With an outcome: how long it is given to who asks again. Without one: how long the
    /// call may take; whoever makes it is gone after that. It also tells one claim of a code from the next.
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
