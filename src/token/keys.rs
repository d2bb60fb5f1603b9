//! Derives keys from `SECRET_KEY` by HKDF-SHA256 (RFC 5869), one for each purpose, so that no two purposes share a key
//! and the operator stores one secret only.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, LessSafeKey, UnboundKey},
    error::Unspecified,
    hkdf, hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Value, json};

/// The HKDF salt. It separates our keys from those that other programs derive from the same secret. Never change it.
const SALT: &[u8] = b"miniaccount";

/// Length of a key id, in bytes.
pub const KEY_ID_LEN: usize = 4;

/// The keys of every value of `SECRET_KEY`, newest first.
pub struct KeyRing(Vec<Keys>);

/// The keys derived from one value of `SECRET_KEY`.
pub(super) struct Keys {
    /// Public id of this set (`kid`). Tokens and encrypted columns contain it to name their keys.
    pub(super) id: [u8; KEY_ID_LEN],
    pub(super) signing: Ed25519KeyPair,
    pub(super) refresh: hmac::Key,
    pub(super) seal: LessSafeKey,
    pub(super) nonce: hmac::Key,
    pub(super) phone: hmac::Key,
}

impl KeyRing {
    /// Derives the keys of each secret; those of the first one sign and encrypt.
    ///
    /// # Errors
    /// When there is no secret, or the cryptographic library rejects one.
    pub fn new(secrets: &[SecretSlice<u8>]) -> Result<Self, Unspecified> {
        let keys = secrets.iter().map(|secret| Keys::derive(secret.expose_secret())).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(Unspecified) } else { Ok(Self(keys)) }
    }

    /// The keys that sign and encrypt.
    pub(super) fn newest(&self) -> &Keys {
        &self.0[0]
    }

    /// The keys of each secret, newest first.
    pub(super) fn all(&self) -> &[Keys] {
        &self.0
    }

    /// The keys with an id.
    pub(super) fn by_id(&self, id: &[u8]) -> Option<&Keys> {
        self.0.iter().find(|keys| keys.id == id)
    }

    /// The public keys as a JSON Web Key Set (RFC 7517, RFC 8037), for services that verify access tokens themselves.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.0.iter().map(Keys::jwk).collect();
        json!({ "keys": keys })
    }
}

impl Keys {
    fn derive(secret: &[u8]) -> Result<Self, Unspecified> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(secret);
        Ok(Self {
            id: expand(&root, b"key id")?,
            signing: Ed25519KeyPair::from_seed_unchecked(&expand::<32>(&root, b"access token signature, Ed25519")?)?,
            refresh: hmac::Key::new(hmac::HMAC_SHA256, &expand::<32>(&root, b"refresh token, HMAC-SHA256")?),
            nonce: hmac::Key::new(hmac::HMAC_SHA256, &expand::<32>(&root, b"seal nonce, HMAC-SHA256")?),
            phone: hmac::Key::new(hmac::HMAC_SHA256, &expand::<32>(&root, b"phone index, HMAC-SHA256")?),
            seal: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &expand::<32>(&root, b"seal, AES-256-GCM")?)?),
        })
    }

    /// The id of the set in base64url, as in the `kid` of a token.
    pub(super) fn kid(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.id)
    }

    fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.signing.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid(), "x": x })
    }
}

fn expand<const N: usize>(root: &hkdf::Prk, purpose: &[u8]) -> Result<[u8; N], Unspecified> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut key = [0; N];
    root.expand(&[purpose], Length(N))?.fill(&mut key)?;
    Ok(key)
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.0.len())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A ring of fixed secrets, newest first.
    pub(in crate::token) fn ring(secrets: &[u8]) -> KeyRing {
        let secrets: Vec<_> = secrets.iter().map(|byte| SecretSlice::from(vec![*byte; 32])).collect();
        KeyRing::new(&secrets).unwrap()
    }

    #[test]
    fn keys_depend_on_the_secret_alone() {
        assert_eq!(ring(&[1]).jwks(), ring(&[1]).jwks());
        assert_ne!(ring(&[1]).jwks(), ring(&[2]).jwks());
    }

    #[test]
    fn jwks_lists_current_and_previous_public_keys_only() {
        let jwks = ring(&[1, 2]).jwks();
        let keys = jwks["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2);
        assert!(keys.iter().all(|key| key.get("d").is_none() && key["kty"] == "OKP"));
    }

    #[test]
    fn empty_list_of_secrets_is_refused() {
        assert!(KeyRing::new(&[]).is_err());
    }
}
