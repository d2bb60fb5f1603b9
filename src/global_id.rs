//! Global ids: opaque to clients, and unique over all types, so that `node(id)` finds any object. An id is the
//! base64url text (RFC 4648, no padding) of a type name and a key, and each has exactly one spelling.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{IdentityId, SessionId, UserId};
use uuid::{Uuid, fmt::Hyphenated};

/// The type and the key of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GlobalId {
    /// A user.
    User(UserId),
    /// An identity of a user.
    Identity(IdentityId),
    /// A session of a user.
    Session(SessionId),
}

/// Length of the longest type name, in bytes.
const MAX_NAME_LEN: usize = "Identity".len();

/// Maximum length of a text that is decoded, in bytes. Every id is shorter.
const MAX_TEXT_LEN: usize = 128;

impl GlobalId {
    /// The id as text.
    #[must_use]
    pub fn encode(self) -> String {
        let (name, key) = match self {
            Self::User(UserId(key)) => ("User", key),
            Self::Identity(IdentityId(key)) => ("Identity", key),
            Self::Session(SessionId(key)) => ("Session", key),
        };
        let mut text = [0; MAX_NAME_LEN + 1 + Hyphenated::LENGTH];
        let (start, rest) = text.split_at_mut(name.len());
        start.copy_from_slice(name.as_bytes());
        rest[0] = b':';
        let length = name.len() + 1 + key.hyphenated().encode_lower(&mut rest[1..]).len();
        URL_SAFE_NO_PAD.encode(&text[..length])
    }

    /// Parses an id; `None` if the text is not exactly what `encode` returns.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT_LEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (name, key) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        let key = Uuid::try_parse(key).ok()?;
        let id = match name {
            "User" => Self::User(UserId(key)),
            "Identity" => Self::Identity(IdentityId(key)),
            "Session" => Self::Session(SessionId(key)),
            _ => return None,
        };
        // refuses other spellings of the same key
        (id.encode() == text).then_some(id)
    }

    /// Parses the id of a user; `None` for any other text.
    #[must_use]
    pub fn user(text: &str) -> Option<UserId> {
        match Self::decode(text)? {
            Self::User(id) => Some(id),
            _ => None,
        }
    }

    /// Parses the id of a session; `None` for any other text.
    #[must_use]
    pub fn session(text: &str) -> Option<SessionId> {
        match Self::decode(text)? {
            Self::Session(id) => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn encoded_id_decodes_to_itself(key: u128, kind in 0..3) {
            let key = Uuid::from_u128(key);
            let id = match kind {
                0 => GlobalId::User(UserId(key)),
                1 => GlobalId::Identity(IdentityId(key)),
                _ => GlobalId::Session(SessionId(key)),
            };
            prop_assert_eq!(GlobalId::decode(&id.encode()), Some(id));
        }

        #[test]
        fn every_id_has_one_spelling(text in ".{0,80}") {
            if let Some(id) = GlobalId::decode(&text) {
                prop_assert_eq!(id.encode(), text);
            }
        }

        #[test]
        fn upper_case_key_is_refused(key: u128) {
            let upper = format!("User:{}", Uuid::from_u128(key | 0xa0).hyphenated().to_string().to_uppercase());
            prop_assert_eq!(GlobalId::decode(&URL_SAFE_NO_PAD.encode(upper)), None);
        }
    }
}
