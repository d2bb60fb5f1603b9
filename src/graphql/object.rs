//! The objects of the schema, one file each. An object wraps a row and writes its fields out: a new column is nobody's
//! business until somebody makes it so.

mod event;
mod identity;
mod payload;
mod profile;
mod session;
mod session_list;
mod user;
mod user_error;

use async_graphql::{ID, Interface};

pub(super) use event::AccountEvent;
pub(super) use identity::Identity;
pub(super) use payload::{LoginPayload, LogoutPayload, RefreshSessionPayload, RevokeSessionPayload};
pub(super) use profile::{UpdateProfileInput, UpdateProfilePayload};
pub(super) use session::Session;
pub(super) use session_list::SessionConnection;
pub(super) use user::{PlainField, User};

/// Anything that has a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id."))]
pub(super) enum Node {
    /// A user.
    User(User),
    /// A session.
    Session(Session),
    /// An identity.
    Identity(Identity),
}
