//! `sessions`: the sessions of all users, live and ended. An access token refers to a row here; the row, never the
//! signature alone, decides whether a request is authenticated.

use sea_orm::{Condition, entity::prelude::*};

use crate::{IdentityId, SessionId, Timestamp, UserId};

/// A session: one login of one user on one device.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// The user of the session.
    pub user_id: UserId,
    /// The identity that logged in.
    pub identity_id: IdentityId,
    /// The refresh generation: the number of refreshes so far, and the generation of the current refresh token.
    pub refresh_generation: i64,
    /// When it was last refreshed.
    pub refreshed_at: Option<Timestamp>,
    /// The newest generation of which an access token was used; 0 until one issued by a refresh was used.
    #[sea_orm(default_value = 0)]
    pub used_generation: i64,
    /// The client's own identifier of the device.
    #[sea_orm(column_type = "String(StringLen::N(64))", nullable)]
    pub device_id: Option<String>,
    /// The human-readable name of the device.
    #[sea_orm(column_type = "String(StringLen::N(64))", nullable)]
    pub device_name: Option<String>,
    /// `User-Agent` of the login, truncated to the length of the column.
    #[sea_orm(column_type = "String(StringLen::N(256))", nullable)]
    pub user_agent: Option<String>,
    /// Network of the login: the /24 of an IPv4 address or the /48 of an IPv6 address, never the whole address.
    #[sea_orm(column_type = "String(StringLen::N(64))", nullable)]
    pub ip_prefix: Option<String>,
    /// When the user logged in.
    pub created_at: Timestamp,
    /// When a request last used the session, with a precision of about a minute.
    pub last_used_at: Timestamp,
    /// When the session expires unless it is refreshed.
    #[sea_orm(indexed)]
    pub expires_at: Timestamp,
    /// When the session was ended; `None` until then.
    #[sea_orm(indexed)]
    pub ended_at: Option<Timestamp>,
    /// Why the session was ended.
    pub end_reason: Option<EndReason>,
    /// The user of the session. No foreign key: see the migration that dropped it.
    #[sea_orm(belongs_to, from = "user_id", to = "id", skip_fk)]
    pub user: BelongsTo<super::user::Entity>,
    /// The identity that logged in.
    #[sea_orm(belongs_to, from = "identity_id", to = "id", skip_fk)]
    pub identity: BelongsTo<super::identity::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether the session may be used at `now`: the condition of [`live`], evaluated on a row in memory.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }
}

/// The condition of sessions that may be used at `now`: not ended, not expired.
#[must_use]
pub fn live(now: Timestamp) -> Condition {
    Condition::all().add(Column::EndedAt.is_null()).add(Column::ExpiresAt.gt(now))
}

/// Why a session was ended before it expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndReason {
    /// Its own client logged out.
    LoggedOut,
    /// Ended from another session of the same user, or by an operator.
    Revoked,
    /// A used refresh token was presented after a token of its successor had been used: somebody else holds a copy
    /// (refresh token reuse, RFC 9700, section 4.14.2).
    Reused,
    /// The same device logged in again.
    Replaced,
    /// The user exceeded the maximum number of sessions, and this was the oldest.
    Evicted,
    /// An operator suspended the account.
    Suspended,
    /// The account was deleted.
    Deleted,
    /// The account was merged into another one.
    Merged,
    /// The identity of the session was unlinked from the account.
    Unlinked,
}

impl EndReason {
    /// The name clients see in `extensions.reason`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "LOGGED_OUT",
            Self::Revoked => "REVOKED",
            Self::Reused => "REUSED",
            Self::Replaced => "REPLACED",
            Self::Evicted => "EVICTED",
            Self::Suspended => "SUSPENDED",
            Self::Deleted => "DELETED",
            Self::Merged => "MERGED",
            Self::Unlinked => "UNLINKED",
        }
    }
}
