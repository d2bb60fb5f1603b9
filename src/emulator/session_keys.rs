//! The session keys that logins gave: the newest of each user.

use std::collections::{HashMap, VecDeque};

use super::people;

/// Users whose key is remembered.
const CAPACITY: usize = 10_000;

/// The newest session key of each user.
#[derive(Default)]
pub(super) struct SessionKeys {
    by_openid: HashMap<String, String>,
    oldest_first: VecDeque<String>,
}

impl SessionKeys {
    /// Gives a user a new key.
    pub(super) fn renew(&mut self, openid: &str) -> String {
        let key = people::session_key();
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

    /// The present key of a user who has logged in.
    pub(super) fn of(&self, openid: &str) -> Option<&String> {
        self.by_openid.get(openid)
    }
}
