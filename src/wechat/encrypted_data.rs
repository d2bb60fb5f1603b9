//! Data that WeChat encrypted or signed for the mini program with a user's session key: AES-128-CBC with PKCS#7
//! padding, and SHA-1 of the text followed by the key.

use std::time::Duration;

use aws_lc_rs::{
    cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    constant_time::verify_slices_are_equal,
    digest::{Context, SHA1_FOR_LEGACY_USE_ONLY},
};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use entity::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Map, Value};

/// Length of a block, a key and an initialization vector of AES-128, in bytes.
const BLOCK: usize = 16;
/// The greatest difference between the time of the watermark and ours, in either direction.
const MAX_TIME_DIFFERENCE: Duration = Duration::from_mins(10);

/// Base64 with or without padding, which some clients remove.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why data is invalid. The messages are for the client's developer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// A plus sign became a space in transit.
    #[error("it has spaces where base64 has `+`: send it as JSON, or percent-encode it")]
    Spaces,
    /// It is not base64.
    #[error("it is not base64")]
    NotBase64,
    /// The initialization vector is not 16 bytes.
    #[error("it must be 16 bytes in base64")]
    VectorLength,
    /// The ciphertext is not a whole number of blocks.
    #[error("its length must be a multiple of 16 bytes, and not 0")]
    DataLength,
    /// The signature is not a SHA-1 in hex.
    #[error("it must be 40 hex digits")]
    SignatureLength,
    /// The content is not a JSON object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// The watermark is missing, or names another mini program.
    #[error("its watermark is not that of this mini program")]
    WrongApp,
    /// The time of the watermark is missing, or too far from ours.
    #[error("its watermark is more than ten minutes old, or in the future: get the data from WeChat again")]
    Stale,
}

/// Well-formed encrypted data.
pub struct EncryptedData {
    cipher: Vec<u8>,
    vector: [u8; BLOCK],
}

impl EncryptedData {
    /// Decodes the ciphertext.
    ///
    /// # Errors
    /// When it is not base64, or not a whole number of blocks.
    pub fn read(data: &str, vector: [u8; BLOCK]) -> Result<Self, DataError> {
        let cipher = base64(data)?;
        if cipher.is_empty() || !cipher.len().is_multiple_of(BLOCK) {
            return Err(DataError::DataLength);
        }
        Ok(Self { cipher, vector })
    }

    /// Decrypts the object; `None` if this session key does not fit.
    #[must_use]
    pub fn open(&self, session_key: &SecretString) -> Option<Map<String, Value>> {
        let key: SecretSlice<u8> = BASE64.decode(session_key.expose_secret()).ok()?.into();
        let key = UnboundCipherKey::new(&AES_128, key.expose_secret()).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
        let mut plain = self.cipher.clone();
        let plain = key.decrypt(&mut plain, DecryptionContext::Iv128((&self.vector).into())).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

/// Decodes an initialization vector.
///
/// # Errors
/// When it is not 16 bytes in base64.
pub fn vector(text: &str) -> Result<[u8; BLOCK], DataError> {
    base64(text)?.try_into().map_err(|_| DataError::VectorLength)
}

fn base64(text: &str) -> Result<Vec<u8>, DataError> {
    let fault = if text.contains(' ') { DataError::Spaces } else { DataError::NotBase64 };
    BASE64.decode(text).map_err(|_| fault)
}

/// Checks that the watermark names the mini program and a recent time.
///
/// # Errors
/// When it does not.
pub fn check_watermark(data: &Map<String, Value>, appid: &str, now: Timestamp) -> Result<(), DataError> {
    let watermark = data.get("watermark").ok_or(DataError::WrongApp)?;
    if watermark.get("appid").and_then(Value::as_str) != Some(appid) {
        return Err(DataError::WrongApp);
    }
    let seconds = watermark.get("timestamp").and_then(Value::as_i64);
    let made = seconds.and_then(Timestamp::from_seconds).ok_or(DataError::Stale)?;
    if now.since(made).max(made.since(now)) > MAX_TIME_DIFFERENCE { Err(DataError::Stale) } else { Ok(()) }
}

/// Whether `raw` was signed with this session key.
///
/// # Errors
/// When the signature is malformed.
pub fn is_signed_by(raw: &str, signature: &str, session_key: &SecretString) -> Result<bool, DataError> {
    let is_hex = signature.len() == 40 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return Err(DataError::SignatureLength);
    }
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(raw.as_bytes());
    digest.update(session_key.expose_secret().as_bytes());
    let expected = hex::encode(digest.finish());
    Ok(verify_slices_are_equal(expected.as_bytes(), signature.to_ascii_lowercase().as_bytes()).is_ok())
}

/// Parses signed data.
///
/// # Errors
/// When it is not a JSON object.
pub fn signed_object(raw: &str) -> Result<Map<String, Value>, DataError> {
    serde_json::from_str(raw).map_err(|_| DataError::NotAnObject)
}

/// The members that a client may read: those that WeChat documents, without the user's openid and unionid.
#[must_use]
pub fn known_members(data: Map<String, Value>) -> Map<String, Value> {
    const KNOWN: [&str; 11] = [
        // wx.getUserInfo, wx.getUserProfile
        "nickName",
        "gender",
        "language",
        "city",
        "province",
        "country",
        "avatarUrl",
        // button open-type=getPhoneNumber
        "phoneNumber",
        "purePhoneNumber",
        "countryCode",
        // wx.getShareInfo, wx.getGroupEnterInfo
        "openGId",
    ];
    let known = |(name, value): (String, Value)| match (&*name, &value) {
        // wx.getWeRunData
        ("stepInfoList", Value::Array(steps)) => Some((name, steps.iter().filter_map(step).collect())),
        (member, Value::String(_) | Value::Number(_)) if KNOWN.contains(&member) => Some((name, value)),
        _ => None,
    };
    data.into_iter().filter_map(known).collect()
}

/// The steps of one day.
fn step(value: &Value) -> Option<Value> {
    let number = |name: &str| value.get(name).filter(|value| value.is_number()).cloned();
    Some(Value::Object(Map::from_iter([
        ("timestamp".to_owned(), number("timestamp")?),
        ("step".to_owned(), number("step")?),
    ])))
}

#[cfg(test)]
mod tests;
