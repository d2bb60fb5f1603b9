//! A code that may have been consumed is not sent again.

use super::*;

#[tokio::test]
async fn code_is_not_resent_when_a_new_connection_breaks() {
    let (upstream, other) = (Upstream::start(|_, _| Reply::Close), Upstream::with_body(SESSION));
    let wechat = client(&[&upstream.base, &other.base]);
    assert_eq!(error_code_of(&wechat, "code").await, Code::ProviderUnavailable);
    assert_eq!((upstream.count(), other.count()), (1, 0));
}

#[tokio::test]
async fn code_is_not_resent_when_a_kept_alive_connection_breaks() {
    let reply = |number, _: &_| if number == 1 { Reply::Body(SESSION.to_owned()) } else { Reply::Close };
    let (upstream, other) = (Upstream::start(reply), Upstream::with_body(SESSION));
    let wechat = client(&[&upstream.base, &other.base]);
    exchange(&wechat, "code1").await.unwrap();
    assert_eq!(error_code_of(&wechat, "code2").await, Code::ProviderUnavailable);
    assert_eq!((upstream.count(), other.count()), (2, 0));
    let connections: Vec<_> = upstream.calls().iter().map(|call| call["(connection)"].clone()).collect();
    assert_eq!(connections, ["0", "0"]);
}

#[tokio::test]
async fn closed_idle_connection_is_not_used() {
    let upstream = Upstream::start(|_, _| Reply::LastBody(SESSION.to_owned()));
    let wechat = client(&[&upstream.base]);
    exchange(&wechat, "code1").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    exchange(&wechat, "code2").await.unwrap();
    assert_eq!(upstream.count(), 2);
}
