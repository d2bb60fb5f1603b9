//! What removes a session from the cache: its own end, and any change of its user's row. Rows of the feed call this on
//! every node; the node that made the change calls it as well, so that the change counts there at once.

use entity::{SessionId, UserId, session::EndReason};

use crate::{account::Accounts, store::Change};

impl Accounts {
    /// Invalidates the cached entries that a change has made untrue.
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
