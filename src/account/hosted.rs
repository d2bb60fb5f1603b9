//! WeChat cloud hosting: the platform says in headers who calls, and no code is needed. The headers are as good as a
//! password, so they count only where `CLOUD_HOSTING` says that nobody else can send them.

use entity::{OpenId, UnionId};

/// Longest id, in characters: as long as a column for one.
const LONGEST: usize = 64;

/// Who calls, as cloud hosting says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedCaller {
    /// The mini program.
    pub app_id: String,
    /// The person's name within it.
    pub openid: OpenId,
    /// The person's name within the open-platform account, where there is one.
    pub unionid: Option<UnionId>,
}

/// What the headers of a request say of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosted {
    /// Nothing: it did not come from a WeChat client, or the headers do not count here.
    Unknown,
    /// Who calls.
    Known(Box<HostedCaller>),
    /// Nobody can tell: a header came twice, is missing or is none of WeChat's ids.
    Malformed,
}

impl Hosted {
    /// What three headers say together; an empty one counts as missing.
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
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_known)
}
