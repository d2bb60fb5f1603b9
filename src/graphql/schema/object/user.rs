//! `User`: an account, as far as its viewer may see it.

mod view;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use entity::user;

use super::{
    super::{
        super::{caller::ContextExt, error::Nullable},
        scalar::{DateTime, Json, Url},
    },
    Identity, SessionConnection,
    session_list::PageArguments,
};
use crate::{account::Viewer, error::ApiError};

pub(in crate::graphql) use view::UserView;

/// A user's row, seen by a viewer.
pub(in crate::graphql) struct User(UserView);

impl User {
    /// A user, seen by `viewer`.
    pub(in crate::graphql) fn new(row: Arc<user::Model>, viewer: Viewer) -> Self {
        Self(UserView::new(row, viewer))
    }

    async fn find_identities(&self, ctx: &Context<'_>) -> Result<Vec<Identity>, ApiError> {
        let rows = ctx.accounts()?.identities(self.0.private()?.id).await?;
        Ok(rows.into_iter().map(Identity).collect())
    }

    async fn find_metadata(&self, ctx: &Context<'_>) -> Result<Option<Json>, ApiError> {
        let metadata = ctx.accounts()?.metadata(self.0.private()?.id).await?;
        Ok(metadata.and_then(|metadata| Json::of_text(&metadata.0)))
    }

    async fn find_sessions(&self, ctx: &Context<'_>, page: PageArguments) -> Result<SessionConnection, ApiError> {
        let owner = self.0.private()?.id;
        let window = page.window()?;
        let page = ctx.accounts()?.sessions(owner, window).await?;
        Ok(SessionConnection::new(owner, page, window, self.0.viewer.session))
    }
}

/// An account. Every signed-in caller may read `id`, `nickname` and `avatarUrl`. Only the user and administrators may
/// read the other fields.
#[Object]
#[expect(clippy::unused_async, reason = "the macro wants every resolver to be async")]
impl User {
    /// Global id.
    pub(super) async fn id(&self) -> ID {
        self.0.id()
    }

    /// The name the user chose; `null` until they choose one.
    async fn nickname(&self) -> Option<&str> {
        self.0.nickname()
    }

    /// URL of the user's picture; `null` until there is one.
    async fn avatar_url(&self, ctx: &Context<'_>) -> Nullable<Url> {
        ctx.public_url().map(|public_url| self.0.avatar_url(public_url)).transpose()
    }

    /// When the account was created. Only for the user and administrators.
    async fn created_at(&self) -> Result<DateTime, ApiError> {
        self.0.created_at()
    }

    /// The user's language as a BCP 47 tag such as `zh-CN`. Only for the user and administrators.
    async fn locale(&self) -> Nullable<&str> {
        self.0.locale().transpose()
    }

    /// The user's phone number in E.164 format, such as `+8613800000000`. Only for the user and administrators.
    async fn phone_number(&self, ctx: &Context<'_>) -> Nullable<String> {
        ctx.accounts().and_then(|accounts| self.0.phone_number(accounts)).transpose()
    }

    /// Whether the account may be used. Only for the user and administrators.
    async fn status(&self) -> Nullable<UserStatus> {
        Some(self.0.status())
    }

    /// When the account will be deleted; `null` unless the deletion was requested. Only for the user and
    /// administrators.
    async fn deletes_at(&self) -> Nullable<DateTime> {
        self.0.deletes_at().transpose()
    }

    /// The user's role. Only for the user and administrators.
    async fn role(&self) -> Nullable<Role> {
        Some(self.0.role())
    }

    /// When the user last logged in. Only for the user and administrators.
    async fn last_login_at(&self) -> Nullable<DateTime> {
        Some(self.0.last_login_at())
    }

    /// When the profile last changed. Only for the user and administrators.
    async fn updated_at(&self) -> Nullable<DateTime> {
        Some(self.0.updated_at())
    }

    /// JSON that the user's client stored with the account; `null` if there is none. Only for the user and
    /// administrators.
    async fn metadata(&self, ctx: &Context<'_>) -> Nullable<Json> {
        self.find_metadata(ctx).await.transpose()
    }

    /// The identities of the user in mini programs, oldest first. Only for the user and administrators.
    async fn identities(&self, ctx: &Context<'_>) -> Nullable<Vec<Identity>> {
        Some(self.find_identities(ctx).await)
    }

    /// The user's sessions, newest first. Only for the user and administrators.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many sessions to return from the start of the list, or after `after`; at most 100.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor: return only sessions after it.")] after: Option<String>,
        #[graphql(desc = "How many sessions to return from the end of the list, or before `before`; at most 100.")]
        last: Option<i32>,
        #[graphql(desc = "Cursor: return only sessions before it.")] before: Option<String>,
    ) -> Nullable<SessionConnection> {
        Some(self.find_sessions(ctx, PageArguments { first, after, last, before }).await)
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(in crate::graphql) enum UserStatus {
    /// The account may be used.
    Active,
    /// An operator suspended the account.
    Suspended,
    /// The account may be used until it is deleted, at `deletesAt`. Until then the user may cancel the deletion.
    Deleting,
}

impl From<&user::Model> for UserStatus {
    fn from(row: &user::Model) -> Self {
        match row.status {
            user::Status::Suspended => Self::Suspended,
            user::Status::Active if row.deletes_at.is_some() => Self::Deleting,
            user::Status::Active => Self::Active,
        }
    }
}

/// Which accounts a user may read.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "user::Role")]
pub(in crate::graphql) enum Role {
    /// The user's own account, and the public fields of others.
    User,
    /// All accounts.
    Admin,
}
