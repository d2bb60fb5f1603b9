//! The call itself: for whom it is made, and what is sent.

use super::*;

#[tokio::test]
async fn gives_what_wechat_gives() {
    let upstream = Upstream::saying(SESSION);
    let clock = Arc::new(ManualClock::default());
    let wechat = Wechat::new(&settings(&[&upstream.base]), clock.clone()).unwrap();
    let session = ask(&wechat, "code").await.unwrap();
    assert_eq!(session.openid, OpenId("oOpenid_1".to_owned()));
    assert_eq!(session.unionid, Some(UnionId("uUnionid_1".to_owned())));
    assert_eq!(session.session_key.expose_secret(), "SessionKey+/==");
    assert_eq!(session.asked_at, clock.now());
}

#[tokio::test]
async fn sends_four_parameters_intact() {
    let upstream = Upstream::saying(SESSION);
    ask(&client(&[&upstream.base]), "a+b=c/d|e@f:g~h").await.unwrap();
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
async fn keeps_the_secrets_of_two_apps_apart() {
    let upstream = Upstream::saying(SESSION);
    let wechat = client(&[&upstream.base]);
    let other = wechat.app(Some("wxother")).unwrap();
    assert_eq!((other.id(), other.open_platform()), ("wxother", "main"));
    ask_for(&wechat, Some("wxother"), "same").await.unwrap();
    ask(&wechat, "same").await.unwrap();
    let sent: Vec<_> = upstream.calls().iter().map(|call| [call["appid"].clone(), call["secret"].clone()]).collect();
    assert_eq!(sent, [["wxother", "OtherAppsecret"], ["wxdefault", "FirstAppsecret&=+"]]);
}

#[test]
fn is_for_the_first_app_unless_another_is_named_and_never_for_an_unknown_one() {
    let wechat = client(&[&refusing()]);
    assert_eq!(wechat.app(None).unwrap().id(), "wxdefault");
    assert_eq!(wechat.app(Some("")).unwrap().id(), "wxdefault");
    assert_eq!(wechat.app(Some("wxother")).unwrap().id(), "wxother");
    assert_eq!(wechat.app(Some("wxnone")).unwrap_err().code, Code::UnknownApp);
}

#[test]
fn a_host_that_is_no_url_is_found_at_the_start() {
    let clock: SharedClock = Arc::new(SystemClock);
    assert!(Wechat::new(&settings(&["http://[bad"]), clock).is_err());
}
