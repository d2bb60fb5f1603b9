//! `code_exchanges`: the login codes that are being exchanged at WeChat or were a moment ago, so that nodes on one
//! database exchange a code once and return the same outcome. A row outlives its code's use by seconds.

use sea_orm::entity::prelude::*;

use crate::{CodeHash, Sealed, Timestamp};

/// A login code that was, or is being, exchanged.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "code_exchanges")]
pub struct Model {
    /// The hash of the code; the code itself is not stored.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Binary(32)")]
    pub code_hash: CodeHash,
    /// The outcome, encrypted; `None` while WeChat is called.
    #[sea_orm(column_type = "VarBinary(StringLen::N(2048))", nullable)]
    pub outcome: Option<Sealed>,
    /// When the row expires. With an outcome: until when repeats get it. Without one: until when the call may take; the
    /// node that makes it is gone after that. It also distinguishes one claim of a code from the next.
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
