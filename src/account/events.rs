//! Notifies the subscribers of this node of changes to an account. Notifications come from the feed only, which
//! contains each change once and in order; this includes changes made by this node.

mod connection;
mod hub;
mod rows;
mod stream;

pub use connection::UserConnection;
pub use stream::AccountEvent;

pub(super) use hub::Events;
