//! `UserView`: the values of a user's row, and the rule of who may read them. The resolvers of `User` and `DirectQuery`
//! use the same view, so the rule is written once.

use std::sync::Arc;

use async_graphql::ID;
use entity::user;

use super::{
    super::super::scalar::{DateTime, Url},
    Role, UserStatus,
};
use crate::{
    account::{Accounts, Viewer},
    error::{ApiError, Code},
    global_id::GlobalId,
    public_url::PublicUrl,
};

/// A user's row, seen by a viewer.
pub(in crate::graphql) struct UserView {
    row: Arc<user::Model>,
    pub(super) viewer: Viewer,
}

impl UserView {
    pub(in crate::graphql) fn new(row: Arc<user::Model>, viewer: Viewer) -> Self {
        Self { row, viewer }
    }

    /// The row, for values that are not public.
    ///
    /// # Errors
    /// `FORBIDDEN`
    pub(super) fn private(&self) -> Result<&user::Model, ApiError> {
        if self.viewer.sees_private(self.row.id) { Ok(&self.row) } else { Err(Code::Forbidden.into()) }
    }

    pub(in crate::graphql) fn id(&self) -> ID {
        GlobalId::User(self.row.id).encode().into()
    }

    pub(in crate::graphql) fn nickname(&self) -> Option<&str> {
        self.row.nickname.as_deref()
    }

    /// The URL of the picture; the URL of a stored picture begins with the URL that the client uses.
    pub(in crate::graphql) fn avatar_url(&self, public_url: &PublicUrl) -> Option<Url> {
        self.row.avatar_url.as_deref().map(|stored| Url(public_url.absolute(stored).into_owned()))
    }

    pub(in crate::graphql) fn created_at(&self) -> Result<DateTime, ApiError> {
        Ok(DateTime(self.private()?.created_at))
    }

    pub(in crate::graphql) fn locale(&self) -> Result<Option<&str>, ApiError> {
        self.private().map(|row| row.locale.as_deref())
    }

    pub(in crate::graphql) fn phone_number(&self, accounts: &Accounts) -> Result<Option<String>, ApiError> {
        accounts.phone_number_of(self.private()?)
    }

    pub(in crate::graphql) fn status(&self) -> Result<UserStatus, ApiError> {
        self.private().map(UserStatus::from)
    }

    pub(in crate::graphql) fn deletes_at(&self) -> Result<Option<DateTime>, ApiError> {
        self.private().map(|row| row.deletes_at.map(DateTime))
    }

    pub(in crate::graphql) fn role(&self) -> Result<Role, ApiError> {
        self.private().map(|row| row.role.into())
    }

    pub(in crate::graphql) fn last_login_at(&self) -> Result<DateTime, ApiError> {
        self.private().map(|row| DateTime(row.last_login_at))
    }

    pub(in crate::graphql) fn updated_at(&self) -> Result<DateTime, ApiError> {
        self.private().map(|row| DateTime(row.updated_at))
    }
}
