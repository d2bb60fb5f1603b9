//! Invalidates cached sessions: after their own end, and after any change of their user's row. Every node calls this
//! for the rows of the feed; the node that made a change also calls it directly, so that the change takes effect there
//! immediately.

use entity::UserId;

use crate::{account::Accounts, store::Change};

impl Accounts {
    /// Invalidates the cached entries affected by a change.
    pub(in crate::account) fn invalidate(&self, user: UserId, change: Change) {
        match change {
            Change::SessionEnded(session, _) => self.cache.invalidate(user, Some(session)),
            Change::UserChanged => self.cache.invalidate(user, None),
        }
    }
}
