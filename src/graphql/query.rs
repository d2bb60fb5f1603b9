//! What can be asked.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::{
    caller::ContextExt,
    error::Nullable,
    object::{Identity, Node, Session, User},
    scalar::DateTime,
};
use crate::{error::ApiError, global_id::GlobalId};

/// The root of queries.
pub(super) struct Query;

/// What the server says of itself, as far as it does not change.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    /// Whether `WeChat` is played by the emulator.
    pub(super) emulator: bool,
}

/// The server.
#[derive(SimpleObject)]
pub(super) struct ServerInfo {
    /// Version of the server (Semantic Versioning).
    version: &'static str,
    /// The server's clock, for clients whose own is wrong.
    time: DateTime,
    /// Whether WeChat is played by the built-in emulator: codes such as `emulator:alice` then log in.
    emulator: bool,
}

/// Questions about accounts.
#[Object]
#[expect(clippy::unused_async, reason = "the macro wants every resolver to be async")]
impl Query {
    /// The caller. Without a live session `null`, and an error `UNAUTHENTICATED`.
    async fn me(&self, ctx: &Context<'_>) -> Nullable<User> {
        let caller = ctx.signed_in().await;
        Some(caller.map(|caller| User::new(Arc::clone(&caller.user), caller.viewer())))
    }

    /// A user, for callers who are signed in. `null` where there is no such user.
    async fn user(&self, ctx: &Context<'_>, #[graphql(desc = "Id of the user.")] id: ID) -> Nullable<User> {
        find_user(ctx, &id).await.transpose()
    }

    /// Users in the order of their ids, for callers who are signed in. `null` stands where an id names nobody.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids of the users, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<User>>, ApiError> {
        let viewer = ctx.signed_in().await?.viewer();
        let ids: Vec<_> = ids.iter().map(|id| GlobalId::user(id)).collect();
        let users = ctx.accounts()?.users(&ids).await?;
        Ok(users.into_iter().map(|user| Some(User::new(user?.into(), viewer))).collect())
    }

    /// Anything that has an id and that the caller may see: a user, one of their own sessions, one of their own
    /// identities. `null` where there is no such thing, or it is somebody else's.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Id of the thing.")] id: ID) -> Nullable<Node> {
        find_node(ctx, &id).await.transpose()
    }

    /// The server.
    async fn server_info(&self, ctx: &Context<'_>) -> Result<ServerInfo, ApiError> {
        let emulator = ctx.data_opt::<About>().is_some_and(|about| about.emulator);
        Ok(ServerInfo { version: env!("CARGO_PKG_VERSION"), time: DateTime(ctx.accounts()?.clock.now()), emulator })
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
