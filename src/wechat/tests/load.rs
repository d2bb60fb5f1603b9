//! The limit of calls in flight, and the circuit breaker.

use super::*;

#[tokio::test]
async fn calls_in_flight_are_bounded() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, peak) = (now.clone(), most.clone());
    let upstream = Upstream::start(move |_, _| {
        peak.fetch_max(counting.fetch_add(1, SeqCst) + 1, SeqCst);
        thread::sleep(Duration::from_millis(20));
        counting.fetch_sub(1, SeqCst);
        Reply::Body(SESSION.to_owned())
    });
    let wechat = client_of(&config::Wechat { calls_in_flight: 3, ..settings(&[&upstream.base]) });
    let mut exchanges = JoinSet::new();
    for number in 0..30 {
        let wechat = wechat.clone();
        exchanges.spawn(async move { exchange(&wechat, &format!("code{number}")).await.unwrap() });
    }
    exchanges.join_all().await;
    assert_eq!((upstream.count(), most.load(SeqCst)), (30, 3));
}

#[tokio::test]
async fn full_queue_of_one_app_refuses_and_does_not_affect_the_other() {
    let hang = |_, call: &upstream::Call| match call["appid"].as_str() {
        "wxdefault" => Reply::Hang,
        _ => Reply::Body(SESSION.to_owned()),
    };
    let upstream = Upstream::start(hang);
    let wechat = client_of(&config::Wechat { calls_in_flight: 1, ..with_short_timeout(&[&upstream.base]) });
    let mut exchanges = JoinSet::new();
    for code in ["code1", "code2", "code3", "code4"] {
        let wechat = wechat.clone();
        exchanges.spawn(async move { error_code_of(&wechat, code).await });
    }
    assert!(exchange_for(&wechat, Some("wxother"), "code").await.is_ok());
    let codes = exchanges.join_all().await;
    assert!(codes.contains(&Code::Overloaded) && codes.contains(&Code::ProviderUnavailable), "{codes:?}");
}

#[tokio::test]
async fn breaker_opens_after_an_outage_until_a_probe_succeeds() {
    let broken = || Reply::Body("<html>".to_owned());
    let reply = move |number, _: &_| if number <= 21 { broken() } else { Reply::Body(SESSION.to_owned()) };
    let upstream = Upstream::start(reply);
    let clock = Arc::new(ManualClock::default());
    let wechat = Wechat::new(&settings(&[&upstream.base]), clock.clone()).unwrap();
    for _ in 0..20 {
        assert_eq!(error_code_of(&wechat, "code").await, Code::ProviderUnavailable);
    }
    let refused = exchange(&wechat, "code").await.unwrap_err();
    assert_eq!((refused.code, refused.retry_after_seconds()), (Code::ProviderUnavailable, Some(5)));
    assert_eq!(upstream.count(), 20);
    clock.advance(Duration::from_secs(5));
    assert_eq!(error_code_of(&wechat, "code").await, Code::ProviderUnavailable);
    assert_eq!((error_code_of(&wechat, "code").await, upstream.count()), (Code::ProviderUnavailable, 21));
    clock.advance(Duration::from_secs(5));
    assert!(exchange(&wechat, "code").await.is_ok());
    assert!(exchange(&wechat, "code2").await.is_ok());
}

#[tokio::test]
async fn refused_codes_do_not_open_the_breaker() {
    let upstream = Upstream::start(|_, _| refusal(40029));
    let wechat = client(&[&upstream.base]);
    for number in 0..50 {
        assert_eq!(error_code_of(&wechat, &format!("code{number}")).await, Code::InvalidCode);
    }
    assert_eq!(upstream.count(), 50);
}
