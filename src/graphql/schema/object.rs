//! The objects of the schema, one file each. An object wraps a row and declares each field, so that no client sees a
//! new column until a field is written for it.

mod event;
mod export;
mod identity;
mod lifecycle;
mod payload;
mod profile;
mod session;
mod session_list;
mod user;
mod user_error;
mod wechat_data;

use async_graphql::{ID, Interface};

pub(super) use event::AccountEvent;
pub use export::export;
pub(super) use identity::Identity;
pub(super) use lifecycle::{
    CancelAccountDeletionPayload, DeleteAccountPayload, LinkIdentityPayload, MergeAccountsPayload,
    UnlinkIdentityPayload,
};
pub(super) use payload::{
    BindPhoneNumberPayload, LoginPayload, LogoutPayload, RefreshSessionPayload, RevokeSessionPayload,
    UnbindPhoneNumberPayload,
};
pub(super) use profile::{UpdateProfileInput, UpdateProfilePayload};
pub(super) use session::Session;
pub(super) use session_list::SessionConnection;
pub(in crate::graphql) use user::{User, UserView};
pub(super) use wechat_data::{DecryptWechatDataInput, DecryptWechatDataPayload};

/// An object with a global id.
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
