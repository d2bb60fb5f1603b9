//! `feed`: the changes of accounts that every node must see within a second. Append-only; old rows are pruned.
//!
//! Each user belongs to one of a few lanes. Positions within a lane have no gaps and become visible in their order,
//! because the transaction that appends the next row locks the lane's row in `feed_heads` until it ends. A reader that
//! has read up to a lane's head has missed nothing, and verifies that by counting rows.

use sea_orm::entity::prelude::*;

use crate::{SessionId, Timestamp, UserId, session::EndReason};

/// Number of lanes. Transactions that append to different lanes do not wait for each other.
pub const LANES: i32 = 16;

/// One change.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed")]
pub struct Model {
    /// The user's lane.
    #[sea_orm(primary_key, auto_increment = false)]
    pub lane: i32,
    /// Position within the lane, starting at 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// The user who is affected.
    pub user_id: UserId,
    /// The kind of change.
    pub kind: Kind,
    /// The session that was ended.
    pub session_id: Option<SessionId>,
    /// Why the session was ended.
    pub end_reason: Option<EndReason>,
    /// When the change was made.
    #[sea_orm(indexed)]
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// The kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A session was ended before it expired.
    SessionEnded,
    /// The user's row changed.
    UserChanged,
}

/// The lane of a user, chosen by four random bits of the user's key.
#[must_use]
pub fn lane_of(user: UserId) -> i32 {
    i32::from(user.0.as_bytes()[15]) % LANES
}
