//! Access tokens: JWTs (RFC 7519) of type `at+jwt` (RFC 9068), signed with EdDSA (RFC 8037). The signature proves that
//! this server issued the token; the row of the session decides whether it is still valid.
//!
//! Ed25519 signatures are deterministic (RFC 8032, section 5.1.6). Therefore the holder of the private key can sign
//! again and compare instead of verifying: this takes a quarter of the time, and accepts only signatures that it would
//! issue itself. Other services verify with the public keys.

use aws_lc_rs::constant_time;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{SessionId, Timestamp, UserId};
use jsonwebtoken::{Algorithm, Header, decode_header};
use serde::{Deserialize, Serialize};

use super::{KeyRing, keys::Keys};
use crate::global_id::GlobalId;

/// `iss` and `aud` of the tokens. Never change them: all issued tokens would become invalid.
const ISSUER: &str = "miniaccount";
const AUDIENCE: &str = "miniaccount";

/// `typ` of the header (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";

/// Maximum length of a token, in bytes.
const MAX_TOKEN_LEN: usize = 2048;

/// The claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// The appid of the mini program the user logged in through.
    pub app_id: String,
    /// The refresh generation of the session when the token was issued.
    pub generation: i64,
    /// When the token was issued, in whole seconds.
    pub issued_at: Timestamp,
    /// When it expires, in whole seconds.
    pub expires_at: Timestamp,
}

/// The claims as serialised in the token (RFC 7519, section 4.1; RFC 9068, section 2.2).
#[derive(Serialize, Deserialize)]
struct JwtClaims {
    iss: String,
    aud: String,
    /// The user's global id, as in the API.
    sub: String,
    /// The session's global id.
    sid: String,
    app: String,
    iat: i64,
    exp: i64,
    /// The refresh generation; absent in tokens of earlier versions.
    #[serde(rename = "gen", default)]
    generation: i64,
}

impl KeyRing {
    /// Issues a token.
    ///
    /// # Errors
    /// When the claims cannot be serialised.
    pub fn access_token(&self, claims: &Claims) -> Result<String, serde_json::Error> {
        let keys = self.newest();
        write(&header(&keys.kid()), &JwtClaims::from(claims), keys)
    }

    /// Verifies the signature of a token and returns its claims. The caller checks the expiry. `None` for any other
    /// text.
    #[must_use]
    pub fn read_access_token(&self, token: &str) -> Option<Claims> {
        if token.len() > MAX_TOKEN_LEN {
            return None;
        }
        let header = decode_header(token).ok()?;
        if header.alg != Algorithm::EdDSA || !header.typ?.eq_ignore_ascii_case(TYPE) {
            return None;
        }
        let keys = self.by_id(&URL_SAFE_NO_PAD.decode(header.kid?).ok()?)?;
        let (message, signature) = token.rsplit_once('.')?;
        constant_time::verify_slices_are_equal(sign(message, keys).as_bytes(), signature.as_bytes()).ok()?;
        let (_, claims) = message.split_once('.')?;
        let wire: JwtClaims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (wire.iss == ISSUER && wire.aud == AUDIENCE).then(|| wire.try_into().ok())?
    }
}

/// The header of our tokens. The algorithm is fixed and never taken from a token (RFC 8725, section 3.1).
fn header(kid: &str) -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(kid.to_owned());
    header
}

fn write(header: &Header, claims: &impl Serialize, keys: &Keys) -> Result<String, serde_json::Error> {
    let part = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let message = format!("{}.{}", part(serde_json::to_vec(header)?), part(serde_json::to_vec(claims)?));
    let signature = sign(&message, keys);
    Ok(message + "." + &signature)
}

/// The signature of `header.claims` in base64url: the third part of the token (RFC 7515, section 3.1).
fn sign(message: &str, keys: &Keys) -> String {
    URL_SAFE_NO_PAD.encode(keys.signing.sign(message.as_bytes()))
}

impl From<&Claims> for JwtClaims {
    fn from(claims: &Claims) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: GlobalId::User(claims.user).encode(),
            sid: GlobalId::Session(claims.session).encode(),
            app: claims.app_id.clone(),
            iat: claims.issued_at.seconds(),
            exp: claims.expires_at.seconds(),
            generation: claims.generation,
        }
    }
}

impl TryFrom<JwtClaims> for Claims {
    type Error = ();

    fn try_from(wire: JwtClaims) -> Result<Self, ()> {
        Ok(Self {
            user: GlobalId::user(&wire.sub).ok_or(())?,
            session: GlobalId::session(&wire.sid).ok_or(())?,
            app_id: wire.app,
            generation: wire.generation,
            issued_at: Timestamp::from_seconds(wire.iat).ok_or(())?,
            expires_at: Timestamp::from_seconds(wire.exp).ok_or(())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, EncodingKey, Validation, decode, encode};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use aws_lc_rs::signature::KeyPair;

    use super::{super::keys::tests::ring, *};

    fn claims() -> Claims {
        Claims {
            user: UserId(Uuid::from_u128(7)),
            session: SessionId(Uuid::from_u128(8)),
            app_id: "wx1".to_owned(),
            generation: 3,
            issued_at: Timestamp(1_000_000),
            expires_at: Timestamp(2_000_000),
        }
    }

    /// Reads a token with changed header and claims, signed with our own key.
    fn forged(change_header: impl FnOnce(&mut Header), change: impl FnOnce(&mut Value)) -> Option<Claims> {
        let ring = ring(&[1]);
        let mut wire = serde_json::to_value(JwtClaims::from(&claims())).unwrap();
        change(&mut wire);
        let mut head = header(&ring.newest().kid());
        change_header(&mut head);
        ring.read_access_token(&write(&head, &wire, ring.newest()).unwrap())
    }

    #[test]
    fn token_verifies_with_the_public_key() {
        let ring = ring(&[1]);
        let token = ring.access_token(&claims()).unwrap();
        let jwks = ring.jwks();
        let key = DecodingKey::from_ed_components(jwks["keys"][0]["x"].as_str().unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        let verified = decode::<JwtClaims>(&token, &key, &validation).unwrap();
        assert_eq!(verified.claims.try_into(), Ok(claims()));
        assert_eq!(verified.header.kid.as_deref(), jwks["keys"][0]["kid"].as_str());
    }

    #[test]
    fn token_holds_the_claims_it_was_issued_with() {
        let ring = ring(&[1]);
        let token = ring.access_token(&claims()).unwrap();
        assert_eq!(ring.read_access_token(&token), Some(claims()));
        assert_eq!(forged(|_| (), |_| ()), Some(claims()));
    }

    #[test]
    fn token_of_the_previous_secret_is_valid_and_of_a_removed_one_is_not() {
        let token = ring(&[1]).access_token(&claims()).unwrap();
        assert!(ring(&[2, 1]).read_access_token(&token).is_some());
        assert!(ring(&[2]).read_access_token(&token).is_none());
    }

    #[test]
    fn another_issuer_audience_or_type_is_refused() {
        assert!(forged(|_| (), |wire| wire["iss"] = json!("else")).is_none());
        assert!(forged(|_| (), |wire| wire["aud"] = json!("else")).is_none());
        assert!(forged(|header| header.typ = Some("JWT".to_owned()), |_| ()).is_none());
        assert!(forged(|header| header.typ = None, |_| ()).is_none());
        assert!(forged(|header| header.kid = None, |_| ()).is_none());
    }

    #[test]
    fn malformed_expiries_are_refused() {
        for odd in [json!(1.5), json!("2000"), json!(null), json!(1e300), json!(i64::MAX), json!([1])] {
            assert!(forged(|_| (), |wire| wire["exp"] = odd.clone()).is_none(), "{odd}");
        }
    }

    #[test]
    fn missing_claim_is_refused() {
        for claim in ["iss", "aud", "sub", "sid", "app", "iat", "exp"] {
            let without = |wire: &mut Value| drop(wire.as_object_mut().unwrap().remove(claim));
            assert!(forged(|_| (), without).is_none(), "{claim}");
        }
    }

    #[test]
    fn alg_none_and_hmac_with_the_public_key_are_refused() {
        let ring = ring(&[1]);
        let kid = ring.newest().kid();
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&JwtClaims::from(&claims())).unwrap());
        let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": TYPE, "kid": kid}).to_string());
        assert!(ring.read_access_token(&format!("{none}.{body}.")).is_none());
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(kid);
        let public = ring.newest().signing.public_key().as_ref().to_vec();
        let token = encode(&header, &JwtClaims::from(&claims()), &EncodingKey::from_secret(&public)).unwrap();
        assert!(ring.read_access_token(&token).is_none());
    }

    proptest! {
        #[test]
        fn changed_token_is_refused(position in 0usize..400, replacement in "[A-Za-z0-9_-]") {
            let ring = ring(&[1]);
            let token = ring.access_token(&claims()).unwrap();
            let position = position % token.len();
            let mut changed = token.clone();
            changed.replace_range(position..=position, &replacement);
            prop_assume!(changed != token);
            prop_assert_eq!(ring.read_access_token(&changed), None);
        }

        #[test]
        fn arbitrary_text_is_refused(text in ".{0,300}") {
            prop_assert_eq!(ring(&[1]).read_access_token(&text), None);
        }
    }
}
