//! Decrypts data that WeChat encrypted for the mini program, or verifies data that it signed, with the session key of
//! the caller's identity: the newest key, else the previous one, because the client may have requested the data just
//! before it logged in again.
//!
//! WeChat is not asked whether a key is current (`checksession`): data that decrypts is valid in any case, and for
//! other data the client has to log in again in any case.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::session_key_context;
use crate::{
    account::{Accounts, SignedIn},
    error::{ApiError, Code},
    wechat::{
        DataError, EncryptedData, check_watermark, initialization_vector, is_signed_by, known_members, signed_object,
    },
};

/// How long the previous session key is accepted after it was replaced.
const PREVIOUS_KEY_VALID_FOR: Duration = Duration::from_hours(1);

/// Data that WeChat returned to the mini program: ciphertext with its initialization vector, or a text with its
/// signature.
pub struct WechatData {
    /// The ciphertext, in base64.
    pub encrypted_data: Option<String>,
    /// Its initialization vector, in base64.
    pub iv: Option<String>,
    /// The text.
    pub raw_data: Option<String>,
    /// Its signature, in hex.
    pub signature: Option<String>,
}

impl Accounts {
    /// Decrypts or verifies data, and returns the members that a client may see, as JSON.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` if the input or the watermark is invalid; `SESSION_KEY_STALE` if no session key fits;
    /// `RATE_LIMITED`; `UNAUTHENTICATED`.
    pub async fn open_wechat_data(&self, caller: &SignedIn, data: WechatData) -> Result<String, ApiError> {
        self.limits.user(caller.user.id).await?;
        let input = Input::read(data)?;
        let identity = self.identity_of_session(caller.user.id, caller.session).await?;
        let context = session_key_context(&identity.app_id, &identity.openid);
        let is_recent = self.clock.now().since(identity.session_key_at) <= PREVIOUS_KEY_VALID_FOR;
        let previous = identity.previous_session_key.as_ref().filter(|_| is_recent);
        let stored = [Some(&identity.session_key), previous];
        let keys = stored.into_iter().flatten().filter_map(|key| {
            let plain = self.keys.open(&context, key)?;
            let text = str::from_utf8(plain.expose_secret()).ok()?;
            // a login by cloud hosting has no session key: with an empty key, anybody could sign
            (!text.is_empty()).then(|| SecretString::from(text))
        });
        let opened = input.open(keys)?.ok_or(Code::SessionKeyStale)?;
        if let Input::Encrypted(_) = input {
            let checked = check_watermark(&opened, &identity.app_id, self.clock.now());
            checked.map_err(|fault| invalid_member("encryptedData", fault))?;
        }
        serde_json::to_string(&known_members(opened)).map_err(ApiError::internal)
    }
}

/// Well-formed data.
enum Input {
    Encrypted(EncryptedData),
    Signed { raw: String, signature: String },
}

impl Input {
    fn read(data: WechatData) -> Result<Self, ApiError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let WechatData { encrypted_data, iv, raw_data, signature } = data;
        match (given(encrypted_data), given(iv), given(raw_data), given(signature)) {
            (Some(data), Some(iv), None, None) => {
                let vector = initialization_vector(&iv).map_err(|fault| invalid_member("iv", fault))?;
                EncryptedData::read(&data, vector)
                    .map(Self::Encrypted)
                    .map_err(|fault| invalid_member("encryptedData", fault))
            }
            (None, None, Some(raw), Some(signature)) => Ok(Self::Signed { raw, signature }),
            _ => {
                let detail = "Send either `encryptedData` and `iv`, or `rawData` and `signature`.";
                Err(ApiError::new(Code::BadUserInput).detail(detail))
            }
        }
    }

    /// The decrypted or verified object, by the first key that fits; `None` if none does.
    fn open(&self, mut keys: impl Iterator<Item = SecretString>) -> Result<Option<Map<String, Value>>, ApiError> {
        match self {
            Self::Encrypted(data) => Ok(keys.find_map(|key| data.open(&key))),
            Self::Signed { raw, signature } => {
                for key in keys {
                    if is_signed_by(raw, signature, &key).map_err(|fault| invalid_member("signature", fault))? {
                        return signed_object(raw).map(Some).map_err(|fault| invalid_member("rawData", fault));
                    }
                }
                Ok(None)
            }
        }
    }
}

fn invalid_member(member: &str, fault: DataError) -> ApiError {
    ApiError::new(Code::BadUserInput).detail(format!("`{member}`: {fault}."))
}
