//! WeChat cloud hosting: the platform identifies the caller in request headers, and no login code is needed. A client
//! that sets these headers can impersonate any user, so they are evaluated only if `CLOUD_HOSTING` says that the
//! platform is the only way in.

use entity::{OpenId, UnionId};

/// Maximum length of an id, in characters: the length of its column.
const MAX_ID_LEN: usize = 64;

/// The caller according to cloud hosting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedCaller {
    /// The mini program.
    pub app_id: String,
    /// The person's openid within it.
    pub openid: OpenId,
    /// The person's unionid within the open-platform account, if there is one.
    pub unionid: Option<UnionId>,
}

/// The result of evaluating the headers of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosted {
    /// No caller: the request did not come from a WeChat client, or the headers are not evaluated.
    Unknown,
    /// The caller.
    Known(Box<HostedCaller>),
    /// The headers are invalid: one is repeated, missing, or not an id of WeChat's.
    Malformed,
}

impl Hosted {
    /// Evaluates the three headers together; an empty one counts as missing.
    #[must_use]
    pub fn of(app_id: &str, openid: &str, unionid: &str) -> Self {
        let are_ids = is_id(app_id) && is_id(openid) && (unionid.is_empty() || is_id(unionid));
        if !are_ids {
            return Self::Malformed;
        }
        let unionid = Some(unionid).filter(|unionid| !unionid.is_empty()).map(|unionid| UnionId(unionid.to_owned()));
        Self::Known(Box::new(HostedCaller { app_id: app_id.to_owned(), openid: OpenId(openid.to_owned()), unionid }))
    }
}

fn is_id(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=MAX_ID_LEN).contains(&text.len()) && text.bytes().all(is_known)
}
