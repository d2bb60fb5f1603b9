//! What WeChat says of a person. The ids are hashes of names, so they outlive a restart though nothing is kept.

use aws_lc_rs::digest;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Serialize;

use super::scenario::Login;
use crate::random;

/// WeChat's ids have 28 characters, the first of which is `o`.
const ID_LENGTH: usize = 28;

/// The answer to a good code, in WeChat's order.
#[derive(Serialize)]
pub(super) struct Person {
    session_key: String,
    openid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unionid: Option<String>,
}

impl Person {
    pub(super) fn new(app_id: &str, login: &Login, session_key: String) -> Self {
        Self {
            session_key,
            openid: open_id(app_id, &login.name),
            unionid: login.with_union.then(|| union_id(&login.name)),
        }
    }
}

/// Another at each login, as WeChat may do at any time: nobody shall rely on an old one.
pub(super) fn session_key() -> String {
    STANDARD.encode(random::bytes::<16>())
}

pub(super) fn open_id(app_id: &str, name: &str) -> String {
    // a name holds no NUL, so no two pairs make the same text
    id(&format!("openid\0{app_id}\0{name}"))
}

pub(super) fn union_id(name: &str) -> String {
    id(&format!("unionid\0{name}"))
}

fn id(of: &str) -> String {
    let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, of.as_bytes()));
    format!("o{hash}").chars().take(ID_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shape_of_wechat() {
        for id in [open_id("wx1", "alice"), union_id("alice")] {
            assert_eq!((id.len(), id.starts_with('o')), (28, true));
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{id}");
        }
    }

    #[test]
    fn an_openid_is_the_same_in_every_version() {
        // people keep databases made with the emulator: another derivation would make strangers of everybody
        assert_eq!(open_id("wx0000000000000000", "alice"), "oTQT5UPkQIGDBIU-06hTo4LRIHVc");
        assert_eq!(union_id("alice"), "oJRVRqCjcskO44o9Wk20n7a63KGN");
    }

    #[test]
    fn an_openid_belongs_to_one_app() {
        assert_ne!(open_id("wx1", "alice"), open_id("wx2", "alice"));
    }

    #[test]
    fn a_session_key_is_16_bytes() {
        assert_eq!(STANDARD.decode(session_key()).map(|key| key.len()), Ok(16));
    }
}
