//! The event of a message.

use aws_lc_rs::digest::{Context, SHA256};
use entity::{EventHash, OpenId};
use serde_json::{Map, Value};

use super::message::text;
use crate::wechat::content_check::Suggest;

/// The members that make an event what it is: one that WeChat pushes again has the same.
const NAMING: [&str; 9] =
    ["ToUserName", "FromUserName", "OpenID", "CreateTime", "MsgType", "Event", "MsgId", "trace_id", "OpenPID"];

/// An event.
#[derive(Clone, Debug)]
pub struct PushEvent {
    /// Tells it from all others.
    pub hash: EventHash,
    /// What happened.
    pub kind: PushKind,
    /// Whom it is about, where WeChat says so.
    pub openid: Option<OpenId>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushKind {
    /// WeChat removed what a user had shown of themselves.
    ProfileModified,
    /// A user took back what they had allowed.
    Revoked(Revoked),
    /// A user closed the account.
    Cancelled,
    /// WeChat has checked a picture.
    MediaChecked {
        /// WeChat's name for the check.
        trace_id: String,
        /// What it suggests; `None` where it could not check the picture.
        suggest: Option<Suggest>,
        /// Its number for what is wrong.
        label: Option<i32>,
    },
    /// Something that concerns no account.
    Other,
}

/// What a user took back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// The name.
    pub nickname: bool,
    /// The picture.
    pub avatar: bool,
    /// The telephone number.
    pub phone: bool,
}

impl PushEvent {
    /// The event of a message to a mini program; `None` where it is another message, such as what somebody wrote to the
    /// customer service.
    pub(super) fn of(app_id: &str, message: &Map<String, Value>) -> Option<Self> {
        if !text(message, "MsgType").is_some_and(|kind| kind.eq_ignore_ascii_case("event")) {
            return None;
        }
        let kind = match text(message, "Event")?.as_str() {
            "user_info_modified" => PushKind::ProfileModified,
            "user_authorization_revoke" => PushKind::Revoked(Revoked::of(message)),
            "user_authorization_cancellation" => PushKind::Cancelled,
            "wxa_media_check" => media_check(message).unwrap_or(PushKind::Other),
            _ => PushKind::Other,
        };
        // WeChat leaves the first out at times
        let openid = text(message, "OpenID").or_else(|| text(message, "FromUserName")).map(OpenId);
        Some(Self { hash: hash(app_id, message), kind, openid })
    }
}

/// The hash of what names an event, each part with its length, so that no two events make the same text.
fn hash(app_id: &str, message: &Map<String, Value>) -> EventHash {
    let mut hash = Context::new(&SHA256);
    let revoked = message.get("RevokeInfo").map(Value::to_string);
    let named = NAMING.into_iter().map(|name| text(message, name));
    for part in [Some(app_id.to_owned()), revoked].into_iter().chain(named) {
        let part = part.unwrap_or_default();
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    EventHash(hash.finish().as_ref().to_vec())
}

/// The outcome of a check. An errcode other than 0 says that there was none, as where the picture could not be fetched.
fn media_check(message: &Map<String, Value>) -> Option<PushKind> {
    let is_done = text(message, "errcode").is_none_or(|errcode| errcode == "0");
    let result = message.get("result").and_then(Value::as_object).filter(|_| is_done);
    let suggest = result.and_then(|result| Suggest::parse(&text(result, "suggest")?));
    let label = result.and_then(|result| text(result, "label")?.parse().ok());
    Some(PushKind::MediaChecked { trace_id: text(message, "trace_id")?, suggest, label })
}

impl Revoked {
    /// `RevokeInfo` is a number, a text with one or several, or a list of these.
    fn of(message: &Map<String, Value>) -> Self {
        let written = message.get("RevokeInfo").map(Value::to_string).unwrap_or_default();
        let numbers = written.split(|sign: char| !sign.is_ascii_digit());
        numbers.fold(Self::default(), |revoked, number| match number {
            "6" => Self { nickname: true, avatar: true, ..revoked },
            "8" => Self { phone: true, ..revoked },
            "19" => Self { nickname: true, ..revoked },
            "20" => Self { avatar: true, ..revoked },
            _ => revoked,
        })
    }
}
