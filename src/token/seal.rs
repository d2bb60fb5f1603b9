//! Encrypts column values with AES-256-GCM ("seals" them, as in AEAD interfaces). A sealed value consists of a version,
//! the key id, the nonce and the ciphertext. It opens only with the context it was sealed with, so that write access to
//! the database does not suffice to move a value from one row to another. The nonce is derived from the plaintext, so
//! that sealing is deterministic: the database can compare a new value with the stored one, and a reader learns only
//! whether two are equal.

use aws_lc_rs::{
    aead::{Aad, NONCE_LEN, Nonce},
    error::Unspecified,
    hmac,
};
use entity::Sealed;
use secrecy::{ExposeSecret, SecretSlice};

use super::{
    KeyRing,
    keys::{KEY_ID_LEN, Keys},
};

/// The first byte of every sealed value: the version of the format.
const VERSION: u8 = 1;

impl KeyRing {
    /// Seals `plain` with the newest key. `context` is the associated data (AAD): it names the kind and the owner of
    /// the value, and opening the value requires the same context.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn seal(&self, context: &[&str], plain: &[u8]) -> Result<Sealed, Unspecified> {
        let keys = self.newest();
        let aad = aad(context);
        let nonce = nonce(keys, aad.as_ref(), plain);
        let mut cipher = plain.to_vec();
        keys.seal.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut cipher)?;
        let mut sealed = Vec::with_capacity(1 + KEY_ID_LEN + NONCE_LEN + cipher.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&keys.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&cipher);
        Ok(Sealed(sealed))
    }

    /// The prefix of every value sealed with the newest key: version and key id.
    #[must_use]
    pub fn newest_prefix(&self) -> [u8; 1 + KEY_ID_LEN] {
        let mut prefix = [VERSION; 1 + KEY_ID_LEN];
        prefix[1..].copy_from_slice(&self.newest().id);
        prefix
    }

    /// Seals a value with the newest key, unless it is already. `None` if it does not open.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn reseal(&self, context: &[&str], sealed: &Sealed) -> Result<Option<Sealed>, Unspecified> {
        if sealed.0.starts_with(&self.newest_prefix()) {
            return Ok(Some(sealed.clone()));
        }
        self.open(context, sealed).map(|plain| self.seal(context, plain.expose_secret())).transpose()
    }

    /// Opens a sealed value. `None` if the context differs, its key was removed, or the value was changed.
    #[must_use]
    pub fn open(&self, context: &[&str], sealed: &Sealed) -> Option<SecretSlice<u8>> {
        let (version, rest) = sealed.0.split_first()?;
        let (key_id, rest) = rest.split_at_checked(KEY_ID_LEN)?;
        let (nonce, cipher) = rest.split_at_checked(NONCE_LEN)?;
        let keys = self.by_id(key_id).filter(|_| *version == VERSION)?;
        let mut plain = cipher.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = keys.seal.open_in_place(nonce, aad(context), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain.into())
    }
}

/// A synthetic initialization vector, similar to RFC 5297: an HMAC of context and plaintext. Different inputs have
/// different nonces, which collide no more often than random ones.
fn nonce(keys: &Keys, aad: &[u8], plain: &[u8]) -> [u8; NONCE_LEN] {
    let mut tag = hmac::Context::with_key(&keys.nonce);
    // the length delimits the context from the plaintext
    tag.update(&aad.len().to_be_bytes());
    tag.update(aad);
    tag.update(plain);
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&tag.sign().as_ref()[..NONCE_LEN]);
    nonce
}

/// The context as one text. Each part is preceded by its length, so that the encoding is injective.
fn aad(context: &[&str]) -> Aad<String> {
    let framed: Vec<String> = context.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Aad::from(framed.concat())
}

#[cfg(test)]
mod tests {
    use super::{super::keys::tests::ring, *};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sealed_value_opens_in_its_own_context_only(plain: Vec<u8>, other in "[a-z:]{0,6}") {
            let sealed = ring(&[1]).seal(&["session_key", "wx1", "o1"], &plain).unwrap();
            let opened = ring(&[2, 1]).open(&["session_key", "wx1", "o1"], &sealed).unwrap();
            prop_assert_eq!(opened.expose_secret(), &plain[..]);
            prop_assert!(ring(&[1]).open(&["session_key", "wx1", &other], &sealed).is_none());
            prop_assert!(ring(&[2]).open(&["session_key", "wx1", "o1"], &sealed).is_none());
        }

        #[test]
        fn changed_value_does_not_open(position in 0usize..37, flip in 1u8..) {
            let mut sealed = ring(&[1]).seal(&["c"], b"plain").unwrap();
            let position = position % sealed.0.len();
            sealed.0[position] ^= flip;
            prop_assert!(ring(&[1]).open(&["c"], &sealed).is_none());
        }

        #[test]
        fn arbitrary_bytes_do_not_open(bytes: Vec<u8>) {
            prop_assert!(ring(&[1]).open(&["c"], &Sealed(bytes)).is_none());
        }
    }

    #[test]
    fn sealing_is_deterministic_within_one_context() {
        let sealed = |secrets: &[u8], context: &[&str], plain: &[u8]| ring(secrets).seal(context, plain).unwrap();
        let one = sealed(&[1], &["c", "d"], b"plain");
        assert_eq!(sealed(&[1, 2], &["c", "d"], b"plain"), one);
        let others = [
            sealed(&[1], &["c", "e"], b"plain"),
            sealed(&[1], &["c", "d"], b"other"),
            sealed(&[2], &["c", "d"], b"plain"),
        ];
        // neither nonces nor ciphertexts are equal
        assert!(others.iter().all(|other| other.0[5..17] != one.0[5..17] && other.0[17..] != one.0[17..]));
        assert_ne!(sealed(&[1], &["c"], b"1:dplain").0[5..17], one.0[5..17], "the context runs into the value");
    }

    #[test]
    fn value_is_resealed_with_the_newest_key_once() {
        let old = ring(&[1]).seal(&["c"], b"plain").unwrap();
        let both = ring(&[2, 1]);
        let new = both.reseal(&["c"], &old).unwrap().unwrap();
        assert!(new.0.starts_with(&both.newest_prefix()) && !old.0.starts_with(&both.newest_prefix()));
        assert_eq!(ring(&[2]).open(&["c"], &new).unwrap().expose_secret(), b"plain");
        assert_eq!(both.reseal(&["c"], &new).unwrap(), Some(new));
        assert_eq!(ring(&[2]).reseal(&["c"], &old).unwrap(), None);
        assert_eq!(both.reseal(&["d"], &old).unwrap(), None);
    }

    #[test]
    fn parts_of_a_context_are_delimited() {
        let sealed = ring(&[1]).seal(&["ab", "c"], b"plain").unwrap();
        assert!(ring(&[1]).open(&["a", "bc"], &sealed).is_none());
    }
}
