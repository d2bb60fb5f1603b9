//! Which mini program a call is for, and what it sends.

use super::*;

#[tokio::test]
async fn call_returns_the_session_of_wechat() {
    let upstream = Upstream::with_body(SESSION);
    let clock = Arc::new(ManualClock::default());
    let wechat = Wechat::new(&settings(&[&upstream.base]), clock.clone()).unwrap();
    let session = exchange(&wechat, "code").await.unwrap();
    assert_eq!(session.openid, OpenId("oOpenid_1".to_owned()));
    assert_eq!(session.unionid, Some(UnionId("uUnionid_1".to_owned())));
    assert_eq!(session.session_key.expose_secret(), "SessionKey+/==");
    assert_eq!(session.requested_at, clock.now());
}

#[tokio::test]
async fn call_sends_four_parameters_unchanged() {
    let upstream = Upstream::with_body(SESSION);
    exchange(&client(&[&upstream.base]), "a+b=c/d|e@f:g~h").await.unwrap();
    let call = &upstream.calls()[0];
    assert_eq!(call["(path)"], "GET /sns/jscode2session");
    assert_eq!(call["appid"], "wxdefault");
    assert_eq!(call["secret"], "FirstAppsecret&=+");
    assert_eq!(call["js_code"], "a+b=c/d|e@f:g~h");
    assert_eq!(call["grant_type"], "authorization_code");
    assert_eq!(call.len(), 4 + 3);
    assert!(call["(headers)"].contains(concat!("user-agent: miniaccount/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn each_app_is_called_with_its_own_secret() {
    let upstream = Upstream::with_body(SESSION);
    let wechat = client(&[&upstream.base]);
    let other = wechat.app(Some("wxother")).unwrap();
    assert_eq!((other.id(), other.open_platform()), ("wxother", "main"));
    exchange_for(&wechat, Some("wxother"), "same").await.unwrap();
    exchange(&wechat, "same").await.unwrap();
    let sent: Vec<_> = upstream.calls().iter().map(|call| [call["appid"].clone(), call["secret"].clone()]).collect();
    assert_eq!(sent, [["wxother", "OtherAppsecret"], ["wxdefault", "FirstAppsecret&=+"]]);
}

#[test]
fn first_app_is_the_default_and_unknown_apps_are_refused() {
    let wechat = client(&[&unreachable_host()]);
    assert_eq!(wechat.app(None).unwrap().id(), "wxdefault");
    assert_eq!(wechat.app(Some("")).unwrap().id(), "wxdefault");
    assert_eq!(wechat.app(Some("wxother")).unwrap().id(), "wxother");
    assert_eq!(wechat.app(Some("wxnone")).unwrap_err().code, Code::UnknownApp);
}

#[test]
fn invalid_host_is_refused_at_startup() {
    let clock: SharedClock = Arc::new(SystemClock);
    assert!(Wechat::new(&settings(&["http://[bad"]), clock).is_err());
}
