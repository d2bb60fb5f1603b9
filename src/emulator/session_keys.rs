//! The session keys of logins: the latest of each user.

use std::collections::{HashMap, VecDeque};

use super::users;

/// Users whose key is stored.
const CAPACITY: usize = 10_000;

/// The latest session key of each user.
#[derive(Default)]
pub(super) struct SessionKeys {
    by_openid: HashMap<String, String>,
    oldest_first: VecDeque<String>,
}

impl SessionKeys {
    /// Creates a new key for a user.
    pub(super) fn renew(&mut self, openid: &str) -> String {
        let key = users::session_key();
        if self.by_openid.insert(openid.to_owned(), key.clone()).is_none() {
            self.oldest_first.push_back(openid.to_owned());
        }
        while self.oldest_first.len() > CAPACITY {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.by_openid.remove(&oldest);
            }
        }
        key
    }

    /// The current key of a user; `None` if the user has not logged in.
    pub(super) fn of(&self, openid: &str) -> Option<&String> {
        self.by_openid.get(openid)
    }
}
