//! `User`: an account, as far as the one who looks may see it.

mod plain;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use entity::user;

use super::{
    super::{
        caller::ContextExt,
        error::Nullable,
        scalar::{DateTime, Url},
    },
    Identity, SessionConnection,
    session_list::PageArguments,
};
use crate::{
    account::Viewer,
    error::{ApiError, Code},
    global_id::GlobalId,
};

pub(in crate::graphql) use plain::PlainField;

/// A user's row, seen by somebody.
pub(in crate::graphql) struct User {
    row: Arc<user::Model>,
    viewer: Viewer,
}

impl User {
    /// A user, seen by `viewer`.
    pub(in crate::graphql) fn new(row: Arc<user::Model>, viewer: Viewer) -> Self {
        Self { row, viewer }
    }

    /// The guard of what is not public.
    fn private(&self) -> Result<&user::Model, ApiError> {
        if self.viewer.sees_private(self.row.id) { Ok(&self.row) } else { Err(Code::Forbidden.into()) }
    }

    async fn find_identities(&self, ctx: &Context<'_>) -> Result<Vec<Identity>, ApiError> {
        let rows = ctx.accounts()?.identities(self.private()?.id).await?;
        Ok(rows.into_iter().map(Identity).collect())
    }

    async fn find_sessions(&self, ctx: &Context<'_>, page: PageArguments) -> Result<SessionConnection, ApiError> {
        let owner = self.private()?.id;
        let window = page.window()?;
        let page = ctx.accounts()?.sessions(owner, window).await?;
        Ok(SessionConnection::new(owner, page, window, self.viewer.session))
    }
}

/// An account. Everybody who is signed in may see `id`, `nickname` and `avatarUrl`; the rest only the user themselves
/// and administrators.
#[Object]
#[expect(clippy::unused_async, reason = "the macro wants every resolver to be async")]
impl User {
    /// Global id.
    pub(super) async fn id(&self) -> ID {
        GlobalId::User(self.row.id).encode().into()
    }

    /// The name the user chose; `null` until they do.
    async fn nickname(&self) -> Option<&str> {
        self.row.nickname.as_deref()
    }

    /// Address of the user's picture; `null` until there is one.
    async fn avatar_url(&self) -> Option<Url> {
        self.row.avatar_url.clone().map(Url)
    }

    /// When the account was made. Only for the user and administrators.
    async fn created_at(&self) -> Result<DateTime, ApiError> {
        Ok(DateTime(self.private()?.created_at))
    }

    /// The user's language (BCP 47), such as `zh-CN`. Only for the user and administrators.
    async fn locale(&self) -> Nullable<&str> {
        self.private().map(|row| row.locale.as_deref()).transpose()
    }

    /// The user's telephone number (E.164), such as `+8613800000000`. Only for the user and administrators.
    async fn phone_number(&self) -> Nullable<&str> {
        self.private().map(|row| row.phone_number.as_deref()).transpose()
    }

    /// Whether the account may be used. Only for the user and administrators.
    async fn status(&self) -> Nullable<UserStatus> {
        Some(self.private().map(|row| row.status.into()))
    }

    /// What the account may do. Only for the user and administrators.
    async fn role(&self) -> Nullable<Role> {
        Some(self.private().map(|row| row.role.into()))
    }

    /// When the user last logged in. Only for the user and administrators.
    async fn last_login_at(&self) -> Nullable<DateTime> {
        Some(self.private().map(|row| DateTime(row.last_login_at)))
    }

    /// When the profile last changed. Only for the user and administrators.
    async fn updated_at(&self) -> Nullable<DateTime> {
        Some(self.private().map(|row| DateTime(row.updated_at)))
    }

    /// The mini programs the user came through, oldest first. Only for the user and administrators.
    async fn identities(&self, ctx: &Context<'_>) -> Nullable<Vec<Identity>> {
        Some(self.find_identities(ctx).await)
    }

    /// Where the user is signed in, newest first. Only for the user and administrators.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start of the list, or behind `after`; at most 100.")] first: Option<i32>,
        #[graphql(desc = "Cursor: only what comes behind it.")] after: Option<String>,
        #[graphql(desc = "So many from the end of the list, or ahead of `before`; at most 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor: only what comes ahead of it.")] before: Option<String>,
    ) -> Nullable<SessionConnection> {
        Some(self.find_sessions(ctx, PageArguments { first, after, last, before }).await)
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "user::Status")]
enum UserStatus {
    /// In use.
    Active,
    /// Closed by an operator.
    Suspended,
}

/// What an account may do.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "user::Role")]
enum Role {
    /// An ordinary user: sees their own account.
    User,
    /// May see every account.
    Admin,
}
