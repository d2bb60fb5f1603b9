//! `GET /sns/jscode2session`: exchanges a login code for the user's openid and session key. It needs no access token,
//! so logins work even if none can be fetched.

use entity::{OpenId, Timestamp, UnionId};
use secrecy::SecretString;

use super::{
    App, LoginCode,
    endpoint::{Call, Endpoint},
    error::Failure,
    response::ApiResponse,
};

/// The longest session key, in bytes.
const MAX_SESSION_KEY: usize = 256;
/// The longest openid and unionid, in bytes.
const MAX_ID: usize = 64;

/// The response to a login code.
#[derive(Clone, Debug)]
pub struct CodeSession {
    /// The user's id within the mini program.
    pub openid: OpenId,
    /// The user's id within the open-platform account, if the mini program is bound to one.
    pub unionid: Option<UnionId>,
    /// The key of the data that WeChat encrypts or signs for the user.
    pub session_key: SecretString,
    /// When the call was sent. Of two session keys of a user, the one that was requested later is the current one.
    pub requested_at: Timestamp,
}

/// Exchanges a code. It is sent again only if the first call cannot have consumed it.
pub(super) async fn exchange(endpoint: &Endpoint, app: &App, code: &LoginCode) -> Result<CodeSession, Failure> {
    let query = vec![
        ("appid", app.id().into()),
        ("secret", app.secret().clone()),
        ("js_code", code.expose().into()),
        ("grant_type", "authorization_code".into()),
    ];
    session(&endpoint.send(app, &Call::get("sns/jscode2session", query)).await?)
}

/// The session in a response. The ids are checked strictly, because an openid identifies an account.
fn session(response: &ApiResponse) -> Result<CodeSession, Failure> {
    let field = |name| response.text(name).unwrap_or_default();
    let (openid, unionid, session_key) = (field("openid"), field("unionid"), field("session_key"));
    if !is_id(openid) {
        return Err(Failure::Unreadable("no valid openid"));
    }
    if !(unionid.is_empty() || is_id(unionid)) {
        return Err(Failure::Unreadable("its unionid is invalid"));
    }
    if !(1..=MAX_SESSION_KEY).contains(&session_key.len()) {
        return Err(Failure::Unreadable("no valid session_key"));
    }
    Ok(CodeSession {
        openid: OpenId(openid.to_owned()),
        unionid: (!unionid.is_empty()).then(|| UnionId(unionid.to_owned())),
        session_key: session_key.into(),
        requested_at: response.requested_at,
    })
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use secrecy::ExposeSecret;

    use super::*;

    fn read(body: &[u8], requested_at: Timestamp) -> Result<CodeSession, Failure> {
        session(&ApiResponse::read(body, requested_at, &[])?)
    }

    fn reads(body: &str) -> Result<CodeSession, Failure> {
        read(body.as_bytes(), Timestamp(7))
    }

    fn cause(body: &str) -> String {
        reads(body).unwrap_err().to_string()
    }

    #[test]
    fn session_is_read_with_and_without_errcode_bom_and_unionid() {
        let session = reads(r#"{"openid":"o-1_A","session_key":"a+/=","errcode":0,"errmsg":"ok"}"#).unwrap();
        assert_eq!((session.openid.0.as_str(), session.session_key.expose_secret()), ("o-1_A", "a+/="));
        assert_eq!((session.unionid, session.requested_at), (None, Timestamp(7)));
        let session = reads("\u{feff}{\"unionid\":\"u1\",\"openid\":\"o\",\"session_key\":\"k\"}").unwrap();
        assert_eq!(session.unionid, Some(UnionId("u1".to_owned())));
        assert_eq!(reads(r#"{"unionid":"","openid":"o","session_key":"k","expires_in":7200}"#).unwrap().unionid, None);
        assert_eq!(reads(r#"{"unionid":null,"openid":"o","session_key":"k"}"#).unwrap().unionid, None);
    }

    #[test]
    fn errcode_is_read_as_number_and_as_string() {
        assert!(cause(r#"{"errcode":40029,"errmsg":"bad"}"#).contains("40029"));
        assert!(cause(r#"{"errcode":"40029","errmsg":"bad"}"#).contains("40029"));
        assert!(cause(r#"{"errcode":-1}"#).contains("-1"));
    }

    #[test]
    fn refusal_in_another_charset_is_read() {
        let failure = read(b"{\"errcode\":40029,\"errmsg\":\"\xb4\xed\xce\xf3 rid: 6683da8d-0a\"}", Timestamp(0));
        assert!(failure.unwrap_err().to_string().contains("40029"));
    }

    #[test]
    fn invalid_responses_are_refused_and_not_quoted() {
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
                prop_assert!(is_id(&session.openid.0));
            }
        }
    }
}
