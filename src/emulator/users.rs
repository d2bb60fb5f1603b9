//! The ids of users, and the response to a login. The ids are hashes of names, so they are the same after a restart.

use aws_lc_rs::digest;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Serialize;

use super::scenario::Login;
use crate::random;

/// Length of an id. WeChat's have 28 characters and begin with `o`.
const ID_LENGTH: usize = 28;

/// The response to a valid login code, with its members in WeChat's order.
#[derive(Serialize)]
pub(super) struct SessionResponse {
    session_key: String,
    openid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unionid: Option<String>,
}

impl SessionResponse {
    pub(super) fn new(app_id: &str, login: &Login, session_key: String) -> Self {
        Self {
            session_key,
            openid: open_id(app_id, &login.name),
            unionid: login.with_union.then(|| union_id(&login.name)),
        }
    }
}

/// A new session key for each login. WeChat may issue a new one at any time, so no client may rely on an old one.
pub(super) fn session_key() -> String {
    STANDARD.encode(random::bytes::<16>())
}

pub(super) fn open_id(app_id: &str, name: &str) -> String {
    // a name contains no NUL, so different pairs have different texts
    id(&format!("openid\0{app_id}\0{name}"))
}

pub(super) fn union_id(name: &str) -> String {
    id(&format!("unionid\0{name}"))
}

fn id(text: &str) -> String {
    let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
    format!("o{hash}").chars().take(ID_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_wechat() {
        for id in [open_id("wx1", "alice"), union_id("alice")] {
            assert_eq!((id.len(), id.starts_with('o')), (28, true));
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{id}");
        }
    }

    #[test]
    fn openid_is_the_same_in_every_version() {
        // databases of the emulator survive an upgrade: with another derivation, every user would be a new one
        assert_eq!(open_id("wx0000000000000000", "alice"), "oTQT5UPkQIGDBIU-06hTo4LRIHVc");
        assert_eq!(union_id("alice"), "oJRVRqCjcskO44o9Wk20n7a63KGN");
    }

    #[test]
    fn openid_differs_between_apps() {
        assert_ne!(open_id("wx1", "alice"), open_id("wx2", "alice"));
    }

    #[test]
    fn session_key_has_16_bytes() {
        assert_eq!(STANDARD.decode(session_key()).map(|key| key.len()), Ok(16));
    }
}
