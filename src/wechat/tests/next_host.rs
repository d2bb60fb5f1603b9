//! When the next host is called.

use super::*;

#[tokio::test]
async fn next_host_is_called_when_the_first_is_unreachable_which_is_then_called_last_for_a_while() {
    let (unreachable, upstream) = (unreachable_host(), Upstream::with_body(SESSION));
    let clock = Arc::new(ManualClock::default());
    let wechat = Wechat::new(&settings(&[&unreachable, &upstream.base]), clock.clone()).unwrap();
    exchange(&wechat, "code1").await.unwrap();
    let order = || wechat.0.endpoint.hosts_in_order();
    assert!(order()[0].starts_with(&upstream.base));
    clock.advance(Duration::from_secs(10));
    assert!(order()[0].starts_with(&unreachable));
    exchange(&wechat, "code2").await.unwrap();
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn next_host_is_called_when_connecting_times_out() {
    // it accepts the connection and sends nothing, so the TLS handshake does not complete
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://{}", listener.local_addr().unwrap());
    let upstream = Upstream::with_body(SESSION);
    let settings =
        config::Wechat { connect_timeout: Duration::from_millis(200), ..settings(&[&silent, &upstream.base]) };
    assert!(exchange(&client_of(&settings), "code").await.is_ok());
}

#[tokio::test]
async fn next_host_is_called_when_the_first_is_busy() {
    let (busy, upstream) = (Upstream::start(|_, _| refusal(-1)), Upstream::with_body(SESSION));
    assert!(exchange(&client(&[&busy.base, &upstream.base]), "code").await.is_ok());
    assert_eq!((busy.count(), upstream.count()), (1, 1));
}

#[tokio::test]
async fn next_host_may_respond_that_the_busy_one_consumed_the_code() {
    let (busy, upstream) = (Upstream::start(|_, _| refusal(-1)), Upstream::start(|_, _| refusal(40163)));
    assert_eq!(error_code_of(&client(&[&busy.base, &upstream.base]), "code").await, Code::CodeUsed);
}

#[tokio::test]
async fn each_busy_host_is_called_once() {
    let (one, two) = (Upstream::start(|_, _| refusal(-1)), Upstream::start(|_, _| refusal(-1)));
    assert_eq!(error_code_of(&client(&[&one.base, &two.base]), "code").await, Code::ProviderUnavailable);
    assert_eq!((one.count(), two.count()), (1, 1));
}
