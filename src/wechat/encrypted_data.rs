//! What WeChat encrypts or signs for the mini program with a user's session key: AES-128-CBC with PKCS#7, and SHA-1 of the
//! text with the key behind it. Whatever comes in, nothing here panics.

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

/// Length of a block, a key and an initialization vector of AES-128.
const BLOCK: usize = 16;
/// How far the time of the data may be from ours, in either direction.
const FRESH: Duration = Duration::from_mins(10);

/// WeChat's base64, whose padding clients lose now and then.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with data, in words for a developer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataFault {
    /// A plus sign became a space on the way.
    #[error("it has spaces where base64 has `+`: send it as JSON, or percent-encode it")]
    Spaces,
    /// It is no base64.
    #[error("it is not base64")]
    NoBase64,
    /// The initialization vector is not 16 bytes.
    #[error("it must be 16 bytes in base64")]
    VectorLength,
    /// The ciphertext is no number of blocks.
    #[error("its length must be a multiple of 16 bytes, and not 0")]
    DataLength,
    /// The signature is no SHA-1 in hex.
    #[error("it must be 40 hex digits")]
    SignatureLength,
    /// What it holds is no JSON object.
    #[error("it is not a JSON object")]
    NoObject,
    /// Its watermark is missing, or names another mini program.
    #[error("its watermark is not that of this mini program")]
    OtherApp,
    /// Its watermark says another time.
    #[error("by its watermark it is more than ten minutes old, or in the future: ask WeChat for it again")]
    NotFresh,
}

/// Encrypted data whose form is right.
pub struct EncryptedData {
    cipher: Vec<u8>,
    vector: [u8; BLOCK],
}

impl EncryptedData {
    /// Reads the ciphertext.
    ///
    /// # Errors
    /// When it is no base64, or no number of blocks.
    pub fn read(data: &str, vector: [u8; BLOCK]) -> Result<Self, DataFault> {
        let cipher = base64(data)?;
        if cipher.is_empty() || !cipher.len().is_multiple_of(BLOCK) {
            return Err(DataFault::DataLength);
        }
        Ok(Self { cipher, vector })
    }

    /// The object inside; `None` where this session key does not open it.
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

/// Reads an initialization vector.
///
/// # Errors
/// When it is no base64 of 16 bytes.
pub fn vector(text: &str) -> Result<[u8; BLOCK], DataFault> {
    base64(text)?.try_into().map_err(|_| DataFault::VectorLength)
}

fn base64(text: &str) -> Result<Vec<u8>, DataFault> {
    let fault = if text.contains(' ') { DataFault::Spaces } else { DataFault::NoBase64 };
    BASE64.decode(text).map_err(|_| fault)
}

/// Whether the watermark is the app's, and its time about now.
///
/// # Errors
/// When it is not.
pub fn check_watermark(data: &Map<String, Value>, appid: &str, now: Timestamp) -> Result<(), DataFault> {
    let watermark = data.get("watermark").ok_or(DataFault::OtherApp)?;
    if watermark.get("appid").and_then(Value::as_str) != Some(appid) {
        return Err(DataFault::OtherApp);
    }
    let seconds = watermark.get("timestamp").and_then(Value::as_i64);
    let made = seconds.and_then(Timestamp::from_seconds).ok_or(DataFault::NotFresh)?;
    if now.since(made).max(made.since(now)) > FRESH { Err(DataFault::NotFresh) } else { Ok(()) }
}

/// Whether a signature of `raw` is by this session key.
///
/// # Errors
/// When it is no signature at all.
pub fn is_signed_by(raw: &str, signature: &str, session_key: &SecretString) -> Result<bool, DataFault> {
    let is_hex = signature.len() == 40 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return Err(DataFault::SignatureLength);
    }
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(raw.as_bytes());
    digest.update(session_key.expose_secret().as_bytes());
    let expected = hex::encode(digest.finish());
    Ok(verify_slices_are_equal(expected.as_bytes(), signature.to_ascii_lowercase().as_bytes()).is_ok())
}

/// The object in signed data.
///
/// # Errors
/// When it is none.
pub fn signed_object(raw: &str) -> Result<Map<String, Value>, DataFault> {
    serde_json::from_str(raw).map_err(|_| DataFault::NoObject)
}

/// Of what WeChat encrypts the members a client may have: those it documents, without the names it has for the user.
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

/// One day's steps.
fn step(value: &Value) -> Option<Value> {
    let number = |name: &str| value.get(name).filter(|value| value.is_number()).cloned();
    Some(Value::Object(Map::from_iter([
        ("timestamp".to_owned(), number("timestamp")?),
        ("step".to_owned(), number("step")?),
    ])))
}

#[cfg(test)]
mod tests;
