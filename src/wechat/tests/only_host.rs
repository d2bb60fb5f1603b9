//! When a single host is called again.

use super::*;

#[tokio::test]
async fn busy_only_host_is_called_again_after_a_pause() {
    let reply = |number, _: &_| if number == 1 { refusal(-1) } else { Reply::Body(SESSION.to_owned()) };
    let upstream = Upstream::start(reply);
    let started = Instant::now();
    assert!(exchange(&client(&[&upstream.base]), "code").await.is_ok());
    assert!(started.elapsed() >= Duration::from_millis(100));
    let calls = upstream.calls();
    assert_eq!(calls.iter().map(|call| call["js_code"].as_str()).collect::<Vec<_>>(), ["code", "code"]);
}

#[tokio::test]
async fn only_host_is_not_called_a_third_time() {
    let upstream = Upstream::start(|_, _| refusal(-1));
    assert_eq!(error_code_of(&client(&[&upstream.base]), "code").await, Code::ProviderUnavailable);
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn unreachable_only_host_is_called_again() {
    let address = unreachable_host();
    let listener_at = address.trim_start_matches("http://").to_owned();
    let (upstream, wechat) = (Upstream::with_body(SESSION), client(&[&address]));
    let target = upstream.base.trim_start_matches("http://").to_owned();
    let exchanges = tokio::spawn(async move { exchange(&wechat, "code").await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    // from now on a listener accepts connections there and forwards them
    let listener = tokio::net::TcpListener::bind(&listener_at).await.unwrap();
    let (mut client, _) = listener.accept().await.unwrap();
    let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
    assert!(exchanges.await.unwrap().is_ok());
    assert_eq!(upstream.count(), 1);
}

#[tokio::test]
async fn only_host_is_called_once_when_the_code_may_be_used_or_is_refused() {
    let replies: [fn() -> Reply; 4] = [
        || Reply::Raw("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_owned()),
        || Reply::Body("<html>".to_owned()),
        || Reply::Close,
        || refusal(45011),
    ];
    for reply in replies {
        let upstream = Upstream::start(move |_, _| reply());
        exchange(&client(&[&upstream.base]), "code").await.unwrap_err();
        assert_eq!(upstream.count(), 1);
    }
}

#[tokio::test]
async fn only_host_is_not_called_again_after_the_call_timeout() {
    let upstream = Upstream::start(|_, _| {
        thread::sleep(Duration::from_millis(950));
        refusal(-1)
    });
    assert_eq!(
        error_code_of(&client_of(&with_short_timeout(&[&upstream.base])), "code").await,
        Code::ProviderUnavailable
    );
    assert_eq!(upstream.count(), 1);
}

#[tokio::test]
async fn second_call_has_the_rest_of_the_timeout() {
    let upstream = Upstream::start(|number, _| if number == 1 { refusal(-1) } else { Reply::Hang });
    let started = Instant::now();
    assert_eq!(
        error_code_of(&client_of(&with_short_timeout(&[&upstream.base])), "code").await,
        Code::ProviderUnavailable
    );
    assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
    assert_eq!(upstream.count(), 2);
}
