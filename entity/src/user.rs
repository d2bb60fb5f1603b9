//! `users`: one row for each person, whichever mini programs they log in through.

use sea_orm::entity::prelude::*;

use crate::{PhoneIndex, Sealed, Timestamp, UserId};

/// A person's account.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// Display name chosen by the person; `None` until then.
    #[sea_orm(column_type = "String(StringLen::N(64))", nullable)]
    pub nickname: Option<String>,
    /// The avatar: a URL, or the path of an uploaded picture.
    #[sea_orm(column_type = "String(StringLen::N(512))", nullable)]
    pub avatar_url: Option<String>,
    /// Language tag (BCP 47), such as `zh-CN`.
    #[sea_orm(column_type = "String(StringLen::N(35))", nullable)]
    pub locale: Option<String>,
    /// Telephone number with its country (E.164), encrypted.
    #[sea_orm(column_type = "VarBinary(StringLen::N(128))", nullable)]
    pub sealed_phone: Option<Sealed>,
    /// HMAC of the number: makes it searchable and unique without storing it in plain text.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable, unique)]
    pub phone_index: Option<PhoneIndex>,
    /// Whether the account may be used.
    pub status: Status,
    /// What the account may do.
    pub role: Role,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When the profile last changed.
    pub updated_at: Timestamp,
    /// When the person last logged in.
    pub last_login_at: Timestamp,
    /// When the account will be deleted; `None` unless its deletion was requested.
    #[sea_orm(indexed)]
    pub deletes_at: Option<Timestamp>,
    /// The identities of the person.
    #[sea_orm(has_many)]
    pub identities: HasMany<super::identity::Entity>,
    /// The sessions of the person, live and ended.
    #[sea_orm(has_many)]
    pub sessions: HasMany<super::session::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The account may be used.
    Active,
    /// Suspended by an operator.
    Suspended,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// An ordinary user: sees the private fields of their own account only.
    User,
    /// Sees the private fields of every account.
    Admin,
}
