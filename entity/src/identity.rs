//! `identities`: the openid by which a mini program identifies a user. One row for each (mini program, openid); that
//! unique key decides between two concurrent first logins of one person.

use sea_orm::entity::prelude::*;

use crate::{IdentityId, OpenId, Sealed, Timestamp, UserId};

/// The identity of a user within one mini program.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identities")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IdentityId,
    /// The user of the identity.
    #[sea_orm(indexed)]
    pub user_id: UserId,
    /// The mini program's appid. An openid is unique only within it.
    #[sea_orm(column_type = "String(StringLen::N(64))", unique_key = "app_openid")]
    pub app_id: String,
    /// The user's openid within the mini program.
    #[sea_orm(column_type = "String(StringLen::N(64))", unique_key = "app_openid")]
    pub openid: OpenId,
    /// WeChat's `session_key` of the newest login, encrypted.
    #[sea_orm(column_type = "VarBinary(StringLen::N(512))")]
    pub session_key: Sealed,
    /// When the login that returned `session_key` was sent to WeChat; an older login never overwrites a newer key.
    pub session_key_at: Timestamp,
    /// The previous session key: it decrypts data that was encrypted just before the user logged in again.
    #[sea_orm(column_type = "VarBinary(StringLen::N(512))", nullable)]
    pub previous_session_key: Option<Sealed>,
    /// When the user first logged in through this mini program.
    pub created_at: Timestamp,
    /// The user of the identity.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "Cascade")]
    pub user: BelongsTo<super::user::Entity>,
    /// Sessions opened by this identity.
    #[sea_orm(has_many)]
    pub sessions: HasMany<super::session::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
