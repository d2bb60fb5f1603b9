//! The fields of a user that are one value of the row, written down without their resolvers. That both give the same is
//! for `tests/api/me.rs` to see to.

use async_graphql::resolver_utils::enum_value;
use serde::Serialize;

use super::{DateTime, Role, User, UserStatus};
use crate::{error::ApiError, global_id::GlobalId};

/// A field that wants nothing but the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) enum PlainField {
    Typename,
    Id,
    Nickname,
    AvatarUrl,
    CreatedAt,
    Locale,
    PhoneNumber,
    Status,
    Role,
    LastLoginAt,
    UpdatedAt,
}

impl PlainField {
    /// The field of that name; `None` where it wants more than the row, or there is none.
    pub(in crate::graphql) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "__typename" => Self::Typename,
            "id" => Self::Id,
            "nickname" => Self::Nickname,
            "avatarUrl" => Self::AvatarUrl,
            "createdAt" => Self::CreatedAt,
            "locale" => Self::Locale,
            "phoneNumber" => Self::PhoneNumber,
            "status" => Self::Status,
            "role" => Self::Role,
            "lastLoginAt" => Self::LastLoginAt,
            "updatedAt" => Self::UpdatedAt,
            _ => return None,
        })
    }
}

impl User {
    /// Writes a field as JSON.
    ///
    /// # Errors
    /// `FORBIDDEN`
    pub(in crate::graphql) fn write(&self, field: PlainField, json: &mut Vec<u8>) -> Result<(), ApiError> {
        match field {
            PlainField::Typename => put(json, "User"),
            PlainField::Id => put(json, &GlobalId::User(self.row.id).encode()),
            PlainField::Nickname => put(json, &self.row.nickname),
            PlainField::AvatarUrl => put(json, &self.row.avatar_url),
            PlainField::CreatedAt => put(json, &DateTime(self.private()?.created_at)),
            PlainField::Locale => put(json, &self.private()?.locale),
            PlainField::PhoneNumber => put(json, &self.private()?.phone_number),
            PlainField::Status => put(json, &enum_value(UserStatus::from(self.private()?.status))),
            PlainField::Role => put(json, &enum_value(Role::from(self.private()?.role))),
            PlainField::LastLoginAt => put(json, &DateTime(self.private()?.last_login_at)),
            PlainField::UpdatedAt => put(json, &DateTime(self.private()?.updated_at)),
        }
    }
}

fn put(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), ApiError> {
    serde_json::to_writer(json, value).map_err(ApiError::internal)
}
