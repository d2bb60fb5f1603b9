//! The event in a message.

use aws_lc_rs::digest::{Context, SHA256};
use entity::{EventHash, OpenId};
use serde_json::{Map, Value};

use super::message::text;
use crate::wechat::content_check::Suggest;

/// The members that identify an event: WeChat pushes the same event again with the same values.
const IDENTIFYING: [&str; 9] =
    ["ToUserName", "FromUserName", "OpenID", "CreateTime", "MsgType", "Event", "MsgId", "trace_id", "OpenPID"];

/// An event.
#[derive(Clone, Debug)]
pub struct PushEvent {
    /// The hash that identifies it.
    pub hash: EventHash,
    /// What happened.
    pub kind: PushKind,
    /// The user it is about, if WeChat names one.
    pub openid: Option<OpenId>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushKind {
    /// WeChat cleared a user's profile.
    ProfileModified,
    /// A user revoked an authorization.
    Revoked(Revoked),
    /// A user cancelled the account.
    Cancelled,
    /// WeChat checked a picture.
    MediaChecked {
        /// WeChat's id of the check.
        trace_id: String,
        /// WeChat's suggestion; `None` if it could not check the picture.
        suggest: Option<Suggest>,
        /// WeChat's label for the kind of content.
        label: Option<i32>,
    },
    /// An event that does not affect an account.
    Other,
}

/// What a user revoked the authorization for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// The nickname.
    pub nickname: bool,
    /// The picture.
    pub avatar: bool,
    /// The phone number.
    pub phone: bool,
}

impl PushEvent {
    /// The event in a message to a mini program; `None` if the message is not an event, such as a message of a user to
    /// the customer service.
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
        // some events lack `OpenID`
        let openid = text(message, "OpenID").or_else(|| text(message, "FromUserName")).map(OpenId);
        Some(Self { hash: hash(app_id, message), kind, openid })
    }
}

/// The hash of the identifying members, each with its length, so that different events have different input.
fn hash(app_id: &str, message: &Map<String, Value>) -> EventHash {
    let mut hash = Context::new(&SHA256);
    let revoked = message.get("RevokeInfo").map(Value::to_string);
    let members = IDENTIFYING.into_iter().map(|name| text(message, name));
    for part in [Some(app_id.to_owned()), revoked].into_iter().chain(members) {
        let part = part.unwrap_or_default();
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    EventHash(hash.finish().as_ref().to_vec())
}

/// The result of a check. An errcode other than 0 means that there is none, for example if WeChat could not fetch the
/// picture.
fn media_check(message: &Map<String, Value>) -> Option<PushKind> {
    let is_done = text(message, "errcode").is_none_or(|errcode| errcode == "0");
    let result = message.get("result").and_then(Value::as_object).filter(|_| is_done);
    let suggest = result.and_then(|result| Suggest::parse(&text(result, "suggest")?));
    let label = result.and_then(|result| text(result, "label")?.parse().ok());
    Some(PushKind::MediaChecked { trace_id: text(message, "trace_id")?, suggest, label })
}

impl Revoked {
    /// Parses `RevokeInfo`: a number, a text with one or more numbers, or a list of these.
    fn of(message: &Map<String, Value>) -> Self {
        let written = message.get("RevokeInfo").map(Value::to_string).unwrap_or_default();
        let numbers = written.split(|character: char| !character.is_ascii_digit());
        numbers.fold(Self::default(), |revoked, number| match number {
            "6" => Self { nickname: true, avatar: true, ..revoked },
            "8" => Self { phone: true, ..revoked },
            "19" => Self { nickname: true, ..revoked },
            "20" => Self { avatar: true, ..revoked },
            _ => revoked,
        })
    }
}
