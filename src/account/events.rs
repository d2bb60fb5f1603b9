//! Notifies the subscribers of this node of what happens to an account. Notifications come from the feed alone, where each
//! change stands once and in order; a change made on this node comes by the feed as well, a moment later.

mod connection;
mod hub;
mod rows;
mod stream;

pub use connection::UserConnection;
pub use stream::AccountEvent;

pub(super) use hub::Events;
