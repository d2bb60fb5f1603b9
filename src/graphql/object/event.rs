//! `AccountEvent`: what subscribers are told.

use async_graphql::{Enum, ID, SimpleObject, Union};
use entity::session::EndReason;

use super::User;
use crate::{
    account::{self, SignedIn, viewer},
    global_id::GlobalId,
};

/// Something that happened to the caller's account.
#[derive(Union)]
pub(in crate::graphql) enum AccountEvent {
    /// A session was ended.
    SessionEnded(SessionEndedEvent),
    /// The profile changed.
    ProfileChanged(ProfileChangedEvent),
}

/// One of the caller's sessions was ended before it expired.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SessionEndedEvent {
    /// Id of the session.
    session_id: ID,
    /// Why it was ended.
    reason: SessionEndReason,
    /// Whether it is the session of the subscription: then nothing more follows, and the connection is closed.
    is_current: bool,
}

/// The caller's profile is another one now.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ProfileChangedEvent {
    /// The caller as they are now.
    user: User,
}

/// Why a session was ended before it expired.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "EndReason")]
enum SessionEndReason {
    /// Its own client logged out, or another one of the user logged out everywhere.
    LoggedOut,
    /// It was ended from another session of the user, or by an operator.
    Revoked,
    /// A refresh token came back after its successor had been used: somebody else holds a copy.
    Reused,
    /// The same device logged in again.
    Replaced,
    /// The user had too many sessions, and this was the oldest.
    Evicted,
    /// An operator closed the account.
    Suspended,
}

impl AccountEvent {
    /// An event, told to a caller.
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
