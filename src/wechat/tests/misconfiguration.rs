//! Settings that WeChat refuses.

use super::*;

#[tokio::test]
async fn misconfiguration_is_reported_until_a_login_succeeds() {
    let reply = |number, _: &_| if number == 1 { refusal(40125) } else { Reply::Body(SESSION.to_owned()) };
    let wechat = client(&[&Upstream::start(reply).base]);
    assert_eq!(wechat.misconfigured(), []);
    let error = exchange(&wechat, "code").await.unwrap_err();
    assert_eq!((error.code, error.detail.as_deref(), error.reason), (Code::ProviderMisconfigured, None, None));
    assert_eq!(wechat.misconfigured(), [("wxdefault".to_owned(), "40125 invalid appsecret".to_owned())]);
    exchange(&wechat, "code").await.unwrap();
    assert_eq!(wechat.misconfigured(), []);
}
