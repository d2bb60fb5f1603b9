//! `GET /sns/jscode2session`: a login code becomes the user's openid and session key. It needs no access token, so that
//! logins work while there is none.

use entity::{OpenId, Timestamp, UnionId};
use secrecy::SecretString;

use super::{
    App, LoginCode,
    answer::Answer,
    endpoint::{Call, Endpoint},
    error::Failure,
};

const MAX_SESSION_KEY: usize = 256;
const MAX_NAME: usize = 64;

/// What WeChat gives for a code.
#[derive(Clone, Debug)]
pub struct CodeSession {
    /// The user's name within the app.
    pub openid: OpenId,
    /// The user's name within the app's open-platform account, where it is bound to one.
    pub unionid: Option<UnionId>,
    /// Opens what WeChat encrypts for the user.
    pub session_key: SecretString,
    /// When the call was sent. Of two session keys of a user the one asked for later is the newer.
    pub asked_at: Timestamp,
}

/// Sends the code, and again only where it cannot have been consumed.
pub(super) async fn exchange(endpoint: &Endpoint, app: &App, code: &LoginCode) -> Result<CodeSession, Failure> {
    let query = vec![
        ("appid", app.id().into()),
        ("secret", app.secret().clone()),
        ("js_code", code.expose().into()),
        ("grant_type", "authorization_code".into()),
    ];
    session(&endpoint.send(app, &Call::get("sns/jscode2session", query)).await?)
}

/// Strict with the fields: an openid names an account.
fn session(answer: &Answer) -> Result<CodeSession, Failure> {
    let field = |name| answer.text(name).unwrap_or_default();
    let (openid, unionid, session_key) = (field("openid"), field("unionid"), field("session_key"));
    if !is_name(openid) {
        return Err(Failure::Unreadable("without a good openid"));
    }
    if !(unionid.is_empty() || is_name(unionid)) {
        return Err(Failure::Unreadable("of an odd unionid"));
    }
    if !(1..=MAX_SESSION_KEY).contains(&session_key.len()) {
        return Err(Failure::Unreadable("without a good session_key"));
    }
    Ok(CodeSession {
        openid: OpenId(openid.to_owned()),
        unionid: (!unionid.is_empty()).then(|| UnionId(unionid.to_owned())),
        session_key: session_key.into(),
        asked_at: answer.asked_at,
    })
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use secrecy::ExposeSecret;

    use super::*;

    fn read(body: &[u8], asked_at: Timestamp) -> Result<CodeSession, Failure> {
        session(&Answer::read(body, asked_at, &[])?)
    }

    fn reads(body: &str) -> Result<CodeSession, Failure> {
        read(body.as_bytes(), Timestamp(7))
    }

    fn cause(body: &str) -> String {
        reads(body).unwrap_err().to_string()
    }

    #[test]
    fn a_session_is_read_with_and_without_errcode_bom_and_unionid() {
        let session = reads(r#"{"openid":"o-1_A","session_key":"a+/=","errcode":0,"errmsg":"ok"}"#).unwrap();
        assert_eq!((session.openid.0.as_str(), session.session_key.expose_secret()), ("o-1_A", "a+/="));
        assert_eq!((session.unionid, session.asked_at), (None, Timestamp(7)));
        let session = reads("\u{feff}{\"unionid\":\"u1\",\"openid\":\"o\",\"session_key\":\"k\"}").unwrap();
        assert_eq!(session.unionid, Some(UnionId("u1".to_owned())));
        assert_eq!(reads(r#"{"unionid":"","openid":"o","session_key":"k","expires_in":7200}"#).unwrap().unionid, None);
        assert_eq!(reads(r#"{"unionid":null,"openid":"o","session_key":"k"}"#).unwrap().unionid, None);
    }

    #[test]
    fn a_refusal_is_read_as_number_and_as_string() {
        assert!(cause(r#"{"errcode":40029,"errmsg":"bad"}"#).contains("40029"));
        assert!(cause(r#"{"errcode":"40029","errmsg":"bad"}"#).contains("40029"));
        assert!(cause(r#"{"errcode":-1}"#).contains("-1"));
    }

    #[test]
    fn a_refusal_in_another_charset_is_read() {
        let failure = read(b"{\"errcode\":40029,\"errmsg\":\"\xb4\xed\xce\xf3 rid: 6683da8d-0a\"}", Timestamp(0));
        assert!(failure.unwrap_err().to_string().contains("40029"));
    }

    #[test]
    fn broken_answers_are_unreadable_and_not_quoted() {
        let openid = |openid: &str| format!(r#"{{"openid":"{openid}","session_key":"SECRET"}}"#);
        let bodies = [
            String::new(),
            "<html>SECRET</html>".to_owned(),
            r#"{"openid":"SECRET","session_"#.to_owned(),
            "[1]".to_owned(),
            "\"SECRET\"".to_owned(),
            "{}".to_owned(),
            r#"{"openid":"SECRET"}"#.to_owned(),
            r#"{"session_key":"SECRET"}"#.to_owned(),
            r#"{"openid":"o","session_key":""}"#.to_owned(),
            r#"{"openid":5,"session_key":"SECRET"}"#.to_owned(),
            r#"{"openid":"o","session_key":"SECRET","unionid":"SECRET SECRET"}"#.to_owned(),
            r#"{"openid":"o","session_key":"SECRET","errcode":"SECRET"}"#.to_owned(),
            r#"{"openid":"o","session_key":"SECRET","errcode":1.5}"#.to_owned(),
            format!(r#"{{"openid":"o","session_key":"{}"}}"#, "k".repeat(257)),
            "[".repeat(10_000),
            openid(""),
            openid("SECRET SECRET"),
            openid(&"o".repeat(65)),
            openid("ö"),
        ];
        for body in bodies {
            let failure = reads(&body).unwrap_err();
            assert!(matches!(failure, Failure::Unreadable(_)), "{body}");
            assert!(!format!("{failure:?} {failure}").contains("SECRET"), "{body}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in any::<Vec<u8>>()) {
            let _ = read(&body, Timestamp(0));
        }

        #[test]
        fn arbitrary_fields_never_panic(errcode in "[^\"\\\\]*", errmsg in "[^\"\\\\]*(rid:|req_id:)?[^\"\\\\]*", openid in "[^\"\\\\]*") {
            let body = format!(r#"{{"errcode":"{errcode}","errmsg":"{errmsg}","openid":"{openid}","session_key":"k"}}"#);
            if let Ok(session) = read(body.as_bytes(), Timestamp(0)) {
                prop_assert!(is_name(&session.openid.0));
            }
        }
    }
}
