//! Parses keys and the credentials of mini programs.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::{SecretSlice, SecretString};

use super::problems::InvalidValue;

/// Bytes that a key must have: as many as the output of the hash in its key derivation (HKDF-SHA256).
const KEY_BYTES: usize = 32;

/// A key in base64, in the standard or the URL-safe alphabet, padded or not: tools print all of these.
pub(super) fn key(text: &str) -> Result<SecretSlice<u8>, InvalidValue> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = text.replace('-', "+").replace('_', "/");
    let bytes = GeneralPurpose::new(&STANDARD, config).decode(standard);
    let bytes = bytes.map(SecretSlice::from).map_err(|_| "must be base64, such as `openssl rand -base64 32` prints")?;
    if is_long_enough(&bytes) { Ok(bytes) } else { Err("must be 32 random bytes or more, in base64") }
}

fn is_long_enough(key: &SecretSlice<u8>) -> bool {
    use secrecy::ExposeSecret as _;
    key.expose_secret().len() >= KEY_BYTES
}

/// An appid. It is written to URLs and logs.
pub(super) fn app_id(text: &str) -> Result<String, InvalidValue> {
    let plain = is_visible(text, 64) && !text.contains([':', ',']);
    if plain { Ok(text.to_owned()) } else { Err("must be an appid: up to 64 visible ASCII characters") }
}

/// The secret of a mini program.
pub(super) fn app_secret(text: &str) -> Result<SecretString, InvalidValue> {
    if is_visible(text, 128) { Ok(text.into()) } else { Err("must be a secret: up to 128 visible ASCII characters") }
}

/// The token of the message push.
pub(super) fn push_token(text: &str) -> Result<SecretString, InvalidValue> {
    let is_token = (3..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token { Ok(text.into()) } else { Err("must be a token: 3 to 64 visible ASCII characters") }
}

/// The `EncodingAESKey` of the message push: 32 bytes in base64 without padding. `WeChat` generates its characters at
/// random, so the last one may contain more bits than the bytes need.
pub(super) fn push_aes_key(text: &str) -> Result<SecretSlice<u8>, InvalidValue> {
    const INVALID: InvalidValue = "must be an EncodingAESKey: 43 letters and digits";
    if text.len() != 43 {
        return Err(INVALID);
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&STANDARD, config).decode(text).map(SecretSlice::from).map_err(|_| INVALID)
}

/// A mini program as `appid:secret`.
pub(super) fn app(text: &str) -> Result<(String, SecretString), InvalidValue> {
    let (id, secret) = text.split_once(':').ok_or("must be appid:secret")?;
    Ok((app_id(id)?, app_secret(secret)?))
}

fn is_visible(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn keys_are_accepted_in_either_alphabet_padded_or_not() {
        let expected = [0xfb; 32];
        let standard = base64::engine::general_purpose::STANDARD.encode(expected);
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(expected);
        assert_ne!(standard, url_safe);
        for text in [standard, url_safe] {
            assert_eq!(key(&text).unwrap().expose_secret(), expected);
        }
    }

    #[test]
    fn a_key_of_31_bytes_is_too_short() {
        let text = base64::engine::general_purpose::STANDARD.encode([7; 31]);
        assert!(key(&text).is_err());
        assert!(key("").is_err());
        assert!(key(&"!".repeat(64)).is_err());
    }

    #[test]
    fn the_key_of_the_message_push_has_43_characters_of_any_kind() {
        let key = push_aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").unwrap();
        assert_eq!(key.expose_secret().len(), 32);
        for bad in ["", "abc", &"!".repeat(43), &"a".repeat(44)] {
            assert!(push_aes_key(bad).is_err(), "{bad}");
        }
        assert!(push_token("ab").is_err() && push_token("a b c").is_err() && push_token("abc").is_ok());
    }

    #[test]
    fn a_mini_program_is_an_appid_and_a_secret() {
        let (id, secret) = app("wx1:s:t").unwrap();
        assert_eq!((id.as_str(), secret.expose_secret()), ("wx1", "s:t"));
        for bad in ["wx1", ":s", "wx1:", "w x:s", "wx1:s t", "微:s", &format!("{}:s", "w".repeat(65))] {
            assert!(app(bad).is_err(), "{bad}");
        }
        assert!(app_secret(&"s".repeat(129)).is_err());
        assert!(app_id("wx,1").is_err());
    }

    proptest::proptest! {
        #[test]
        fn parsers_never_panic(text in "\\PC*", letters in "[A-Za-z0-9+/_=:-]{0,64}") {
            for text in [&text, &letters] {
                let _ = (key(text).is_ok(), app(text).is_ok());
            }
        }
    }
}
