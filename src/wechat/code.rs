//! A login code as the client sends it: checked before it is used, and never logged.

use aws_lc_rs::digest::{Context, SHA256};
use entity::CodeHash;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{ApiError, Code};

/// The longest code, in bytes.
const MAX_BYTES: usize = 512;

/// A code of `wx.login`. It is a secret until it is used or expires.
#[derive(Clone, Debug)]
pub struct LoginCode(SecretString);

impl LoginCode {
    /// Checks the form of a code: 1 to 512 letters, digits, and punctuation of URLs and base64.
    ///
    /// # Errors
    /// `INVALID_CODE` for any other text, so that it does not use up WeChat's quota.
    pub fn parse(code: &str) -> Result<Self, ApiError> {
        let fits = (1..=MAX_BYTES).contains(&code.len()) && code.bytes().all(is_code_byte);
        fits.then(|| Self(code.into())).ok_or_else(|| Code::InvalidCode.into())
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The hash that identifies the code. The zero byte, which no appid contains, distinguishes (`a`, `bc`) from (`ab`,
    /// `c`).
    #[must_use]
    pub fn hash(&self, appid: &str) -> CodeHash {
        let mut hash = Context::new(&SHA256);
        hash.update(appid.as_bytes());
        hash.update(&[0]);
        hash.update(self.expose().as_bytes());
        CodeHash(hash.finish().as_ref().to_vec())
    }
}

fn is_code_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~:=+/|@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn malformed_codes_are_refused() {
        for malformed in ["", "a b", "a&b", "a%2Bb", "a\nb", "a\0", "代码", "a?b", "a#b", "\"", "<a>", &"a".repeat(513)]
        {
            assert_eq!(LoginCode::parse(malformed).unwrap_err().code, Code::InvalidCode, "{malformed}");
        }
    }

    #[test]
    fn well_formed_codes_are_accepted() {
        for code in ["0", "0a3XyZ000Ab-_1", "aB9-_.~:=+/|@", &"a".repeat(512)] {
            assert_eq!(LoginCode::parse(code).unwrap().expose(), code);
        }
    }

    #[test]
    fn debug_hides_the_code() {
        assert!(!format!("{:?}", LoginCode::parse("verysecret").unwrap()).contains("verysecret"));
    }

    #[test]
    fn hashes_differ_between_apps_and_codes() {
        let hash = |appid, code| LoginCode::parse(code).unwrap().hash(appid);
        assert_eq!(hash("wx1", "a"), hash("wx1", "a"));
        assert_ne!(hash("wx1", "a"), hash("wx2", "a"));
        assert_ne!(hash("wx1", "2a"), hash("wx12", "a"));
        assert_eq!(hash("wx1", "a").0.len(), 32);
    }

    proptest! {
        #[test]
        fn accepted_code_is_bounded_ascii(code in any::<String>()) {
            if LoginCode::parse(&code).is_ok() {
                prop_assert!(code.is_ascii() && (1..=512).contains(&code.len()));
            }
        }
    }
}
