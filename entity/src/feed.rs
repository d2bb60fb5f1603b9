//! `feed`: the changes of accounts that every node must see within a second. Append-only; old rows are pruned.
//!
//! Each user belongs to one of a few lanes. Positions within a lane have no gaps and become visible in their order,
//! because the transaction that takes the next one locks the lane's row in `feed_heads` until it ends. So a reader that
//! has read up to a lane's head has missed nothing, and can verify that by counting.

use sea_orm::entity::prelude::*;

use crate::{SessionId, Timestamp, UserId, session::EndReason};

/// How many lanes there are. Endings in different lanes do not wait for each other.
pub const LANES: i32 = 16;

/// One change.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed")]
pub struct Model {
    /// The user's lane.
    #[sea_orm(primary_key, auto_increment = false)]
    pub lane: i32,
    /// Place within the lane, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// The user it happened to.
    pub user_id: UserId,
    /// What happened.
    pub kind: Kind,
    /// The session that was ended.
    pub session_id: Option<SessionId>,
    /// Why it was ended.
    pub end_reason: Option<EndReason>,
    /// When it happened.
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

/// The lane of a user: four random bits of the key.
#[must_use]
pub fn lane_of(user: UserId) -> i32 {
    i32::from(user.0.as_bytes()[15]) % LANES
}
