//! `AccountEvent`: what subscribers receive.

use async_graphql::{Enum, ID, SimpleObject, Union};
use entity::session::EndReason;

use super::User;
use crate::{
    account::{self, SignedIn, viewer},
    global_id::GlobalId,
};

/// An event of the caller's account.
#[derive(Union)]
pub(in crate::graphql) enum AccountEvent {
    /// A session ended.
    SessionEnded(SessionEndedEvent),
    /// The profile changed.
    ProfileChanged(ProfileChangedEvent),
}

/// A session of the caller ended before it expired.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SessionEndedEvent {
    /// Global id of the session.
    session_id: ID,
    /// Why it ended.
    reason: SessionEndReason,
    /// Whether it is the session of this subscription. If so, no event follows, and the server closes the connection.
    is_current: bool,
}

/// The caller's profile changed.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ProfileChangedEvent {
    /// The caller after the change.
    user: User,
}

/// Why a session ended before it expired.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "EndReason")]
enum SessionEndReason {
    /// The client of the session logged out, or another client of the user logged out all sessions.
    LoggedOut,
    /// Another session of the user, or an operator, revoked it.
    Revoked,
    /// A refresh token was used again after its successor had been used: it may have been stolen.
    Reused,
    /// A new login from the same device replaced it.
    Replaced,
    /// The user had too many sessions, and this one was the oldest.
    Evicted,
    /// An operator suspended the account.
    Suspended,
    /// The account was deleted.
    Deleted,
    /// The account was merged into another one. Log in again.
    Merged,
    /// The identity that opened the session was unlinked from the account.
    Unlinked,
}

impl AccountEvent {
    /// An event for a caller.
    pub(in crate::graphql) fn new(event: account::AccountEvent, caller: &SignedIn) -> Self {
        match event {
            account::AccountEvent::SessionEnded(id, reason) => Self::SessionEnded(SessionEndedEvent {
                session_id: GlobalId::Session(id).encode().into(),
                reason: reason.into(),
                is_current: id == caller.session,
            }),
            account::AccountEvent::ProfileChanged(row) => {
                let viewer = viewer(&row, caller.session);
                Self::ProfileChanged(ProfileChangedEvent { user: User::new(row, viewer) })
            }
        }
    }
}
