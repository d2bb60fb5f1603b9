//! The outcome of a login code, stored for repeats on any node during the repeat window. It is encrypted and bound to
//! its code, so that write access to the database does not suffice to return one person's session for another person's
//! code.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{CodeHash, Sealed, SessionId, UserId};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    account::IssuedSession,
    error::{ApiError, Code},
    token::KeyRing,
};

/// A completed login. The row of the session contains the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredLogin {
    /// The session.
    pub(super) session: SessionId,
    /// The user the login created, if any. The outcome is encrypted before that is known, so this is the key that a new
    /// user would get.
    pub(super) new_user: Option<UserId>,
}

/// The outcome of a code.
pub(super) type StoredOutcome = Result<StoredLogin, ApiError>;

impl From<&IssuedSession> for StoredLogin {
    fn from(issued: &IssuedSession) -> Self {
        Self { session: issued.session.id, new_user: issued.is_new_user.then_some(issued.user.id) }
    }
}

/// The outcome as serialised before encryption.
#[derive(Serialize, Deserialize)]
enum OutcomePayload {
    Login { session: Uuid, new_user: Option<Uuid> },
    Refused { code: String },
}

/// Encrypts an outcome.
pub(super) fn seal(keys: &KeyRing, appid: &str, code: &CodeHash, outcome: &StoredOutcome) -> Result<Sealed, ApiError> {
    let plain: SecretSlice<u8> = serde_json::to_vec(&OutcomePayload::from(outcome)).map_err(ApiError::internal)?.into();
    keys.seal(&context(appid, &name(code)), plain.expose_secret()).map_err(ApiError::internal)
}

/// Decrypts an outcome. `None` if it belongs to another code, its key was removed, or another version wrote it.
pub(super) fn open(keys: &KeyRing, appid: &str, code: &CodeHash, sealed: &Sealed) -> Option<StoredOutcome> {
    let plain = keys.open(&context(appid, &name(code)), sealed)?;
    serde_json::from_slice::<OutcomePayload>(plain.expose_secret()).ok()?.into_outcome()
}

fn context<'a>(appid: &'a str, code: &'a str) -> [&'a str; 3] {
    ["code_exchange", appid, code]
}

fn name(code: &CodeHash) -> String {
    URL_SAFE_NO_PAD.encode(&code.0)
}

impl From<&StoredOutcome> for OutcomePayload {
    fn from(outcome: &StoredOutcome) -> Self {
        match outcome {
            Ok(login) => Self::Login { session: login.session.0, new_user: login.new_user.map(|id| id.0) },
            Err(error) => Self::Refused { code: error.code.as_str().to_owned() },
        }
    }
}

impl OutcomePayload {
    fn into_outcome(self) -> Option<StoredOutcome> {
        match self {
            Self::Login { session, new_user } => {
                Some(Ok(StoredLogin { session: SessionId(session), new_user: new_user.map(UserId) }))
            }
            Self::Refused { code } => {
                Code::ALL.iter().find(|known| known.as_str() == code).map(|known| Err((*known).into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> KeyRing {
        KeyRing::new(&[vec![1; 32].into()]).unwrap()
    }

    fn code(byte: u8) -> CodeHash {
        CodeHash(vec![byte; 32])
    }

    fn login(new_user: Option<u128>) -> StoredLogin {
        StoredLogin { session: SessionId(Uuid::from_u128(7)), new_user: new_user.map(|id| UserId(Uuid::from_u128(id))) }
    }

    #[test]
    fn sealed_login_opens_unchanged() {
        for new_user in [None, Some(8)] {
            let sealed = seal(&ring(), "wx1", &code(1), &Ok(login(new_user))).unwrap();
            assert_eq!(open(&ring(), "wx1", &code(1), &sealed).unwrap().unwrap(), login(new_user));
            assert!(sealed.0.len() <= 2048, "it fits its column");
        }
    }

    #[test]
    fn sealed_error_opens_with_its_code_and_retry_after() {
        for known in Code::ALL {
            let sealed = seal(&ring(), "wx1", &code(1), &Err((*known).into())).unwrap();
            let error = open(&ring(), "wx1", &code(1), &sealed).unwrap().unwrap_err();
            assert_eq!((error.code, error.retry_after), (*known, ApiError::new(*known).retry_after));
        }
    }

    #[test]
    fn outcome_opens_for_its_own_code_only() {
        let sealed = seal(&ring(), "wx1", &code(1), &Ok(login(None))).unwrap();
        assert!(open(&ring(), "wx1", &code(2), &sealed).is_none());
        assert!(open(&ring(), "wx2", &code(1), &sealed).is_none());
    }
}
