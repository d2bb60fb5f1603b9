//! `code_exchanges`: the login codes that are being exchanged at WeChat or were exchanged a moment ago. Through this
//! table the nodes on one database exchange a code once and return the same outcome. A row lives for seconds.

use sea_orm::entity::prelude::*;

use crate::{CodeHash, Sealed, Timestamp};

/// A login code that is being exchanged, or was.
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
    /// When the row expires. With an outcome: the end of the window in which repeats get it. Without one: the deadline
    /// of the node that calls WeChat, after which another node may take the claim over. The value also distinguishes
    /// one claim of a code from the next.
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
