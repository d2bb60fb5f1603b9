//! Refresh tokens: a session, a generation and our HMAC over both. The database contains nothing from which a token
//! could be built, and all requests for the same generation get the same token.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::SessionId;
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    KeyRing,
    keys::{KEY_ID_LEN, Keys},
};

/// The first byte of every token: the version of the format.
const VERSION: u8 = 1;

const BODY_LEN: usize = 1 + KEY_ID_LEN + 16 + 8;
const TAG_LEN: usize = 32;

/// The content of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session.
    pub session: SessionId,
    /// The refresh generation of the session when the token was issued.
    pub generation: i64,
}

impl KeyRing {
    /// Issues the token of a session's generation.
    #[must_use]
    pub fn refresh_token(&self, token: RefreshToken) -> SecretString {
        let keys = self.newest();
        let mut bytes = body(keys, token).to_vec();
        bytes.extend_from_slice(hmac::sign(&keys.refresh, &bytes).as_ref());
        URL_SAFE_NO_PAD.encode(bytes).into()
    }

    /// Verifies the HMAC of a token and returns its content. `None` for any other text.
    #[must_use]
    pub fn read_refresh_token(&self, text: &str) -> Option<RefreshToken> {
        let mut bytes = [0; BODY_LEN + TAG_LEN];
        // the buffer has the exact length of a token, which bounds the work on longer input
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (body, tag) = (length == bytes.len()).then(|| bytes.split_at(BODY_LEN))?;
        let (version, rest) = body.split_first()?;
        let (key_id, rest) = rest.split_at(KEY_ID_LEN);
        let (session, generation) = rest.split_at(16);
        hmac::verify(&self.by_id(key_id)?.refresh, body, tag).ok()?;
        Some(RefreshToken {
            session: SessionId(Uuid::from_slice(session).ok()?),
            generation: i64::from_be_bytes(generation.try_into().ok()?),
        })
        .filter(|_| *version == VERSION)
    }
}

fn body(keys: &Keys, token: RefreshToken) -> [u8; BODY_LEN] {
    let mut body = [VERSION; BODY_LEN];
    body[1..=KEY_ID_LEN].copy_from_slice(&keys.id);
    body[1 + KEY_ID_LEN..BODY_LEN - 8].copy_from_slice(token.session.0.as_bytes());
    body[BODY_LEN - 8..].copy_from_slice(&token.generation.to_be_bytes());
    body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::{super::keys::tests::ring, *};

    proptest! {
        #[test]
        fn token_contains_session_and_generation(session: u128, generation: i64) {
            let token = RefreshToken { session: SessionId(Uuid::from_u128(session)), generation };
            let text = ring(&[1]).refresh_token(token);
            prop_assert_eq!(ring(&[2, 1]).read_refresh_token(text.expose_secret()), Some(token));
            prop_assert_eq!(ring(&[2]).read_refresh_token(text.expose_secret()), None);
        }

        #[test]
        fn changed_token_is_refused(position in 0usize..82, replacement in "[A-Za-z0-9_-]") {
            let token = RefreshToken { session: SessionId(Uuid::from_u128(9)), generation: 3 };
            let text = ring(&[1]).refresh_token(token).expose_secret().to_owned();
            let position = position % text.len();
            let mut changed = text.clone();
            changed.replace_range(position..=position, &replacement);
            prop_assume!(changed != text);
            prop_assert_eq!(ring(&[1]).read_refresh_token(&changed), None);
        }

        #[test]
        fn arbitrary_text_is_refused(text in ".{0,200}") {
            prop_assert_eq!(ring(&[1]).read_refresh_token(&text), None);
        }
    }
}
