//! Input and payload of `decryptWechatData`.

use async_graphql::{InputObject, SimpleObject};

use super::{super::scalar::Json, user_error::UserError};
use crate::{
    account::WechatData,
    error::{ApiError, Code},
};

/// Data that WeChat encrypted or signed: either `encryptedData` and `iv`, or `rawData` and `signature`.
#[derive(InputObject)]
pub(in crate::graphql) struct DecryptWechatDataInput {
    /// `encryptedData` of WeChat's result, in base64.
    encrypted_data: Option<String>,
    /// `iv` of the same result, in base64.
    iv: Option<String>,
    /// `rawData` of WeChat's result: the unchanged JSON text.
    raw_data: Option<String>,
    /// `signature` of the same result: SHA-1 in hex.
    signature: Option<String>,
}

/// The result of decrypting or verifying WeChat's data.
#[derive(SimpleObject)]
pub(in crate::graphql) struct DecryptWechatDataPayload {
    /// The decrypted or verified data.
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
    /// The result with decrypted or verified data.
    pub(in crate::graphql) fn new(data: &str) -> Result<Self, ApiError> {
        let data = Json::of_text(data).ok_or(Code::InternalServerError)?;
        Ok(Self { data: Some(data), user_errors: Vec::new() })
    }
}
