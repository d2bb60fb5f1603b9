//! Invalidates cached sessions: after their own end, and after any change of their user's row. Every node calls this
//! for the rows of the feed; the node that made a change also calls it directly, so that the change takes effect there
//! immediately.

use entity::{SessionId, UserId, session::EndReason};

use crate::{account::Accounts, store::Change};

impl Accounts {
    /// Invalidates the cached entries affected by a change.
    pub(in crate::account) fn invalidate(&self, user: UserId, change: Change) {
        match change {
            Change::SessionEnded(session, _) => self.cache.invalidate(user, Some(session)),
            Change::UserChanged => self.cache.invalidate(user, None),
        }
    }

    /// Invalidates the cached entries of sessions that ended.
    pub(in crate::account) fn invalidate_ended(&self, user: UserId, ended: &[SessionId], reason: EndReason) {
        for session in ended {
            self.invalidate(user, Change::SessionEnded(*session, reason));
        }
    }
}
