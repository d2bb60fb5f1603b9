//! The signature of a push: SHA-1 of the sorted concatenation of the token, the time, a nonce and, if the message is
//! encrypted, its ciphertext.

use aws_lc_rs::{
    constant_time,
    digest::{Context, SHA1_FOR_LEGACY_USE_ONLY},
};
use entity::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{MAX_TIME_DIFFERENCE, PushRefusal};

/// The query string of a push.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PushQuery {
    pub(super) signature: Option<String>,
    pub(super) msg_signature: Option<String>,
    timestamp: String,
    nonce: String,
    encrypt_type: String,
    /// The text that the response must repeat when WeChat verifies the URL.
    pub echostr: Option<String>,
}

impl PushQuery {
    /// Whether the message is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encrypt_type.eq_ignore_ascii_case("aes")
    }

    /// Checks that the push was signed recently.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), PushRefusal> {
        let signed = self.timestamp.parse().ok().and_then(Timestamp::from_seconds).ok_or(PushRefusal::Signature)?;
        let is_fresh = signed.since(now) <= MAX_TIME_DIFFERENCE && now.since(signed) <= MAX_TIME_DIFFERENCE;
        if is_fresh { Ok(()) } else { Err(PushRefusal::Signature) }
    }

    /// Checks a signature in constant time.
    pub(super) fn check(
        &self,
        given: Option<&str>,
        token: &SecretString,
        encrypted: Option<&str>,
    ) -> Result<(), PushRefusal> {
        let parts = [Some(token.expose_secret()), Some(&self.timestamp), Some(&self.nonce), encrypted];
        let mut parts: Vec<&str> = parts.into_iter().flatten().collect();
        parts.sort_unstable();
        let expected = sha1_hex(&parts.concat());
        let given = given.unwrap_or_default().to_ascii_lowercase();
        constant_time::verify_slices_are_equal(expected.as_bytes(), given.as_bytes())
            .map_err(|_| PushRefusal::Signature)
    }
}

fn sha1_hex(text: &str) -> String {
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(text.as_bytes());
    hex::encode(hash.finish())
}
