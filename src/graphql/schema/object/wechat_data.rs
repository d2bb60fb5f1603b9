//! Input and payload of `decryptWechatData`.

use async_graphql::{InputObject, SimpleObject};

use super::{super::scalar::Json, user_error::UserError};
use crate::{
    account::WechatData,
    error::{ApiError, Code},
};

/// What WeChat gave the mini program: either `encryptedData` and `iv`, or `rawData` and `signature`.
#[derive(InputObject)]
pub(in crate::graphql) struct DecryptWechatDataInput {
    /// `encryptedData` as WeChat gave it, in base64.
    encrypted_data: Option<String>,
    /// `iv` that came with it, in base64.
    iv: Option<String>,
    /// `rawData` as WeChat gave it: JSON as text.
    raw_data: Option<String>,
    /// `signature` that came with it: SHA-1 in hex.
    signature: Option<String>,
}

/// The result of decrypting data of WeChat's.
#[derive(SimpleObject)]
pub(in crate::graphql) struct DecryptWechatDataPayload {
    /// The data.
    data: Option<Json>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

impl From<DecryptWechatDataInput> for WechatData {
    fn from(input: DecryptWechatDataInput) -> Self {
        let DecryptWechatDataInput { encrypted_data, iv, raw_data, signature } = input;
        Self { encrypted_data, iv, raw_data, signature }
    }
}

impl DecryptWechatDataPayload {
    /// The result for data that opened.
    pub(in crate::graphql) fn new(data: &str) -> Result<Self, ApiError> {
        let data = Json::of_text(data).ok_or(Code::InternalServerError)?;
        Ok(Self { data: Some(data), user_errors: Vec::new() })
    }
}
