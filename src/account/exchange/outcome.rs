//! What came of a code, as the other nodes read it: sealed, and bound to its code, so that nobody who can write to the
//! database can give one person's outcome to another person's code.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{CodeHash, OpenId, Sealed, Timestamp, UnionId};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};

use crate::{
    error::{ApiError, Code},
    token::KeyRing,
    wechat::{CodeSession, Outcome},
};

/// The outcome as text.
#[derive(Serialize, Deserialize)]
enum Kept {
    Session { openid: String, unionid: Option<String>, session_key: String, asked_at: i64 },
    Refused { code: String },
}

/// Seals an outcome.
pub(super) fn seal(keys: &KeyRing, appid: &str, code: &CodeHash, outcome: &Outcome) -> Result<Sealed, ApiError> {
    let plain: SecretSlice<u8> = serde_json::to_vec(&Kept::from(outcome)).map_err(ApiError::internal)?.into();
    keys.seal(&context(appid, &name(code)), plain.expose_secret()).map_err(ApiError::internal)
}

/// Opens an outcome. `None` where it was sealed for another code, under a key that is gone, or by another version.
pub(super) fn open(keys: &KeyRing, appid: &str, code: &CodeHash, sealed: &Sealed) -> Option<Outcome> {
    let plain = keys.open(&context(appid, &name(code)), sealed)?;
    serde_json::from_slice::<Kept>(plain.expose_secret()).ok()?.into_outcome()
}

fn context<'a>(appid: &'a str, code: &'a str) -> [&'a str; 3] {
    ["code_exchange", appid, code]
}

fn name(code: &CodeHash) -> String {
    URL_SAFE_NO_PAD.encode(&code.0)
}

impl From<&Outcome> for Kept {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Ok(session) => Self::Session {
                openid: session.openid.0.clone(),
                unionid: session.unionid.as_ref().map(|unionid| unionid.0.clone()),
                session_key: session.session_key.expose_secret().to_owned(),
                asked_at: session.asked_at.0,
            },
            Err(error) => Self::Refused { code: error.code.as_str().to_owned() },
        }
    }
}

impl Kept {
    fn into_outcome(self) -> Option<Outcome> {
        match self {
            Self::Session { openid, unionid, session_key, asked_at } => Some(Ok(CodeSession {
                openid: OpenId(openid),
                unionid: unionid.map(UnionId),
                session_key: session_key.into(),
                asked_at: Timestamp(asked_at),
            })),
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

    fn session(unionid: Option<&str>, session_key: &str) -> CodeSession {
        CodeSession {
            openid: OpenId("o".repeat(64)),
            unionid: unionid.map(|unionid| UnionId(unionid.to_owned())),
            session_key: session_key.into(),
            asked_at: Timestamp(7),
        }
    }

    #[test]
    fn a_session_comes_back_whole() {
        for unionid in [None, Some("u")] {
            let sealed = seal(&ring(), "wx1", &code(1), &Ok(session(unionid, "key+/=="))).unwrap();
            let opened = open(&ring(), "wx1", &code(1), &sealed).unwrap().unwrap();
            assert_eq!((opened.openid.0.len(), opened.session_key.expose_secret()), (64, "key+/=="));
            assert_eq!((opened.unionid.as_ref().map(|it| it.0.as_str()), opened.asked_at), (unionid, Timestamp(7)));
        }
    }

    #[test]
    fn an_error_comes_back_as_its_row_of_the_table() {
        for known in Code::ALL {
            let sealed = seal(&ring(), "wx1", &code(1), &Err((*known).into())).unwrap();
            let error = open(&ring(), "wx1", &code(1), &sealed).unwrap().unwrap_err();
            assert_eq!((error.code, error.retry_after), (*known, ApiError::new(*known).retry_after));
        }
    }

    #[test]
    fn an_outcome_opens_for_its_own_code_alone() {
        let sealed = seal(&ring(), "wx1", &code(1), &Ok(session(None, "key"))).unwrap();
        assert!(open(&ring(), "wx1", &code(2), &sealed).is_none());
        assert!(open(&ring(), "wx2", &code(1), &sealed).is_none());
    }

    #[test]
    fn the_longest_outcome_fits_its_column() {
        // JSON writes a control character as six
        let longest = session(Some(&"u".repeat(64)), &"\u{1}".repeat(256));
        assert!(seal(&ring(), "wx1", &code(1), &Ok(longest)).unwrap().0.len() <= 2048);
    }
}
