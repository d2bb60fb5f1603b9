//! Messages that WeChat pushes: whether they are WeChat's, what they hold, and which event that is. A message comes plain or
//! encrypted, as JSON or as XML, under any `Content-Type`.

mod cipher;
mod event;
mod message;
mod signature;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use entity::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

pub use event::{PushEvent, PushKind, Revoked};
pub use signature::PushQuery;

use crate::config;

/// How far the time of a push may be from ours. An older push is refused, so that nobody can repeat one they saw; within this
/// time, and for a day, what was pushed before has no effect.
const FRESH: Duration = Duration::from_mins(10);

/// What the operator agreed on with WeChat.
pub struct PushKeys {
    token: SecretString,
    aes_key: Option<SecretSlice<u8>>,
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushRefusal {
    /// It is not signed with the token, or it is too old.
    #[error("its signature is wrong or too old")]
    Signature,
    /// It does not open with the key.
    #[error("it does not open: `WECHAT_PUSH_AES_KEY` is missing or wrong, or it is another mini program's")]
    Sealed,
    /// It is signed, but it cannot be read.
    #[error("it cannot be read")]
    Unreadable,
}

impl PushKeys {
    /// The keys of the settings; `None` where no token is set.
    #[must_use]
    pub fn new(settings: &config::Push) -> Option<Self> {
        let token = settings.token.clone()?;
        Some(Self { token, aes_key: settings.aes_key.clone() })
    }

    /// Checks what WeChat asks for when an operator enters the address: its signature.
    ///
    /// # Errors
    /// [`PushRefusal::Signature`]
    pub fn verify(&self, query: &PushQuery, now: Timestamp) -> Result<(), PushRefusal> {
        query.check_time(now)?;
        query.check(query.signature.as_deref(), &self.token, None)
    }

    /// Checks what can be checked before the body is read: the time, and the signature of a message that is not encrypted.
    ///
    /// # Errors
    /// [`PushRefusal::Signature`]
    pub fn check_query(&self, query: &PushQuery, now: Timestamp) -> Result<(), PushRefusal> {
        if query.is_encrypted() { query.check_time(now) } else { self.verify(query, now) }
    }

    /// The event of a message for a mini program; `None` for a message that is none.
    ///
    /// # Errors
    /// Where it is not WeChat's, or cannot be read.
    pub fn open(
        &self,
        app_id: &str,
        query: &PushQuery,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<PushEvent>, PushRefusal> {
        self.check_query(query, now)?;
        let message = if query.is_encrypted() {
            let sealed = message::parse(body).ok_or(PushRefusal::Signature)?;
            let sealed = message::text(&sealed, "Encrypt").ok_or(PushRefusal::Signature)?;
            query.check(query.msg_signature.as_deref(), &self.token, Some(&sealed))?;
            let key = self.aes_key.as_ref().ok_or(PushRefusal::Sealed)?;
            let plain = cipher::open(key.expose_secret(), app_id, &sealed).ok_or(PushRefusal::Sealed)?;
            message::parse(&plain)
        } else {
            message::parse(body)
        };
        let message = message.ok_or(PushRefusal::Unreadable)?;
        Ok(PushEvent::of(app_id, &message))
    }
}

impl fmt::Debug for PushKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushKeys").finish_non_exhaustive()
    }
}
