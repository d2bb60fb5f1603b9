//! Opens what WeChat encrypted or signed for the mini program, by the session key of the caller's identity: the newest one,
//! else the one before it, for the client may have asked for the data just before it logged in again.
//!
//! WeChat is not asked whether a key is its present one (`checksession`): data that opens is right whatever it would say,
//! and for data that does not open the client has to log in again in any case.

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

/// How long the session key before the newest one opens data after it was replaced: the client may have asked WeChat for the
/// data just before it logged in again.
const PREVIOUS_KEY_VALID_FOR: Duration = Duration::from_hours(1);

/// What WeChat gave the mini program: either encrypted data with their vector, or a text with its signature.
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
    /// Opens data, and gives what a client may have of it, as JSON.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` where the form is wrong, or the watermark; `SESSION_KEY_STALE` where no session key opens it;
    /// `RATE_LIMITED`; `UNAUTHENTICATED`.
    pub async fn open_wechat_data(&self, caller: &SignedIn, data: WechatData) -> Result<String, ApiError> {
        self.limits.user(caller.user.id).await?;
        let sealed = Sealed::read(data)?;
        let identity = self.identity_of_session(caller).await?;
        let context = session_key_context(&identity.app_id, &identity.openid);
        let is_recent = self.clock.now().since(identity.session_key_at) <= PREVIOUS_KEY_VALID_FOR;
        let previous = identity.previous_session_key.as_ref().filter(|_| is_recent);
        let stored = [Some(&identity.session_key), previous];
        let keys = stored.into_iter().flatten().filter_map(|key| {
            let plain = self.keys.open(&context, key)?;
            let text = str::from_utf8(plain.expose_secret()).ok()?;
            // a login by cloud hosting brings no key: with an empty one anybody could sign
            (!text.is_empty()).then(|| SecretString::from(text))
        });
        let opened = sealed.open(keys)?.ok_or(Code::SessionKeyStale)?;
        if let Sealed::Encrypted(_) = sealed {
            let checked = check_watermark(&opened, &identity.app_id, self.clock.now());
            checked.map_err(|fault| bad("encryptedData", fault))?;
        }
        serde_json::to_string(&known_members(opened)).map_err(ApiError::internal)
    }
}

/// Data whose form is right.
enum Sealed {
    Encrypted(EncryptedData),
    Signed { raw: String, signature: String },
}

impl Sealed {
    fn read(data: WechatData) -> Result<Self, ApiError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let WechatData { encrypted_data, iv, raw_data, signature } = data;
        match (given(encrypted_data), given(iv), given(raw_data), given(signature)) {
            (Some(data), Some(iv), None, None) => {
                let vector = initialization_vector(&iv).map_err(|fault| bad("iv", fault))?;
                EncryptedData::read(&data, vector).map(Self::Encrypted).map_err(|fault| bad("encryptedData", fault))
            }
            (None, None, Some(raw), Some(signature)) => Ok(Self::Signed { raw, signature }),
            _ => {
                let detail = "Send either `encryptedData` and `iv`, or `rawData` and `signature`.";
                Err(ApiError::new(Code::BadUserInput).detail(detail))
            }
        }
    }

    /// The object inside, by the first key that fits; `None` where none does.
    fn open(&self, mut keys: impl Iterator<Item = SecretString>) -> Result<Option<Map<String, Value>>, ApiError> {
        match self {
            Self::Encrypted(data) => Ok(keys.find_map(|key| data.open(&key))),
            Self::Signed { raw, signature } => {
                for key in keys {
                    if is_signed_by(raw, signature, &key).map_err(|fault| bad("signature", fault))? {
                        return signed_object(raw).map(Some).map_err(|fault| bad("rawData", fault));
                    }
                }
                Ok(None)
            }
        }
    }
}

fn bad(member: &str, fault: DataError) -> ApiError {
    ApiError::new(Code::BadUserInput).detail(format!("`{member}`: {fault}."))
}
