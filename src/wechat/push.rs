//! WeChat's message push: verifies, decrypts and parses messages, and reads the events in them. A message is plain or
//! encrypted, JSON or XML, with any `Content-Type`.

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

/// The greatest difference between the time of a push and ours. An older push is refused, so that it cannot be
/// replayed. A repeated event has no effect for a day, which is longer than this.
const MAX_TIME_DIFFERENCE: Duration = Duration::from_mins(10);

/// The token and the key that the operator entered in WeChat's admin console.
pub struct PushKeys {
    token: SecretString,
    aes_key: Option<SecretSlice<u8>>,
}

/// Why a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushRefusal {
    /// The signature is wrong, or its time is too far from ours.
    #[error("its signature is wrong or too old")]
    Signature,
    /// It cannot be decrypted with the key.
    #[error("it cannot be decrypted: `WECHAT_PUSH_AES_KEY` is missing or wrong, or it is for another mini program")]
    Undecryptable,
    /// It is signed, but neither JSON nor XML.
    #[error("it is neither JSON nor XML")]
    Unreadable,
}

impl PushKeys {
    /// The keys in the settings; `None` if no token is set.
    #[must_use]
    pub fn new(settings: &config::Push) -> Option<Self> {
        let token = settings.token.clone()?;
        Some(Self { token, aes_key: settings.aes_key.clone() })
    }

    /// Verifies the signature of the request that WeChat sends when an operator enters the URL.
    ///
    /// # Errors
    /// [`PushRefusal::Signature`]
    pub fn verify(&self, query: &PushQuery, now: Timestamp) -> Result<(), PushRefusal> {
        query.check_time(now)?;
        query.check(query.signature.as_deref(), &self.token, None)
    }

    /// Verifies what can be verified before the body is read: the time, and the signature of a plain message.
    ///
    /// # Errors
    /// [`PushRefusal::Signature`]
    pub fn check_query(&self, query: &PushQuery, now: Timestamp) -> Result<(), PushRefusal> {
        if query.is_encrypted() { query.check_time(now) } else { self.verify(query, now) }
    }

    /// The event in a message to a mini program; `None` if the message is not an event.
    ///
    /// # Errors
    /// When the message is not from WeChat, or cannot be read.
    pub fn open(
        &self,
        app_id: &str,
        query: &PushQuery,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<PushEvent>, PushRefusal> {
        self.check_query(query, now)?;
        let message = if query.is_encrypted() {
            let encrypted = message::parse(body).ok_or(PushRefusal::Signature)?;
            let encrypted = message::text(&encrypted, "Encrypt").ok_or(PushRefusal::Signature)?;
            query.check(query.msg_signature.as_deref(), &self.token, Some(&encrypted))?;
            let key = self.aes_key.as_ref().ok_or(PushRefusal::Undecryptable)?;
            let plain = cipher::open(key.expose_secret(), app_id, &encrypted).ok_or(PushRefusal::Undecryptable)?;
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
