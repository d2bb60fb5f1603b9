//! Queries.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::{
    super::{caller::ContextExt, error::Nullable},
    object::{Identity, Node, Session, User, export},
    scalar::{DateTime, Json},
};
use crate::{
    error::{ApiError, Code},
    global_id::GlobalId,
};

/// The root of queries.
pub(in crate::graphql) struct Query;

/// The settings that `serverInfo` reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    /// Whether the built-in emulator replaces `WeChat`.
    pub(super) emulator: bool,
}

/// Information about the server.
#[derive(SimpleObject)]
pub(super) struct ServerInfo {
    /// The server's version (Semantic Versioning).
    version: &'static str,
    /// The server's current time, for clients whose clock is wrong.
    time: DateTime,
    /// Whether the built-in emulator replaces WeChat. If so, codes such as `emulator:alice` log in.
    emulator: bool,
}

/// Reads accounts.
#[Object]
#[expect(clippy::unused_async, reason = "the macro wants every resolver to be async")]
impl Query {
    /// The caller. Without a valid session: `null`, and the error `UNAUTHENTICATED`.
    async fn me(&self, ctx: &Context<'_>) -> Nullable<User> {
        let caller = ctx.signed_in().await;
        Some(caller.map(|caller| User::new(Arc::clone(&caller.user), caller.viewer())))
    }

    /// A user. The caller must be signed in. `null` if no user has this id.
    async fn user(&self, ctx: &Context<'_>, #[graphql(desc = "Global id of the user.")] id: ID) -> Nullable<User> {
        find_user(ctx, &id).await.transpose()
    }

    /// The users with these ids, in the same order. The caller must be signed in. An item is `null` if no user has its
    /// id.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids of the users, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<User>>, ApiError> {
        let viewer = ctx.signed_in().await?.viewer();
        let ids: Vec<_> = ids.iter().map(|id| GlobalId::user(id)).collect();
        let users = ctx.accounts()?.users(&ids).await?;
        Ok(users.into_iter().map(|user| Some(User::new(user?.into(), viewer))).collect())
    }

    /// The object with this id: a user, a session of the caller, or an identity of the caller. The caller must be
    /// signed in. `null` if no object has this id, or if it is a session or an identity of another user.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Global id of the object.")] id: ID) -> Nullable<Node> {
        find_node(ctx, &id).await.transpose()
    }

    /// All stored data of the caller: profile, identities, live and ended sessions (the newest 300), with their times.
    /// WeChat's ids of the caller, keys and tokens are not included.
    async fn account_export(&self, ctx: &Context<'_>) -> Result<Json, ApiError> {
        let caller = ctx.signed_in().await?;
        let (rows, public_url) = (ctx.accounts()?.export(caller.user.id).await?, ctx.public_url()?);
        let export = export(&rows, |stored| public_url.absolute(stored).into_owned()).to_string();
        Ok(Json::of_text(&export).ok_or(Code::InternalServerError)?)
    }

    /// Information about the server.
    async fn server_info(&self, ctx: &Context<'_>) -> Result<ServerInfo, ApiError> {
        let emulator = ctx.data_opt::<About>().is_some_and(|about| about.emulator);
        Ok(ServerInfo { version: env!("CARGO_PKG_VERSION"), time: DateTime(ctx.accounts()?.now()), emulator })
    }
}

async fn find_user(ctx: &Context<'_>, id: &str) -> Result<Option<User>, ApiError> {
    let viewer = ctx.signed_in().await?.viewer();
    let Some(id) = GlobalId::user(id) else { return Ok(None) };
    let user = ctx.accounts()?.user(id).await?;
    Ok(user.map(|user| User::new(user.into(), viewer)))
}

async fn find_node(ctx: &Context<'_>, id: &str) -> Result<Option<Node>, ApiError> {
    let caller = ctx.signed_in().await?;
    let (accounts, owner) = (ctx.accounts()?, caller.user.id);
    Ok(match GlobalId::decode(id) {
        Some(GlobalId::User(_)) => find_user(ctx, id).await?.map(Node::User),
        Some(GlobalId::Session(id)) => {
            let session = accounts.session(owner, id).await?;
            session.map(|row| Node::Session(Session::new(row, caller.session)))
        }
        Some(GlobalId::Identity(id)) => accounts.identity(owner, id).await?.map(Identity).map(Node::Identity),
        None => None,
    })
}
