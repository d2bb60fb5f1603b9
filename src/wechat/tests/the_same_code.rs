//! The same code at the same time, and soon after.

use super::*;

fn slow() -> Upstream {
    Upstream::start(|_, _| {
        thread::sleep(Duration::from_millis(200));
        Reply::Body(SESSION.to_owned())
    })
}

#[tokio::test]
async fn asked_for_by_a_hundred_at_once_is_sent_once() {
    for repeat_window in [Duration::ZERO, Duration::from_mins(1)] {
        let upstream = slow();
        let wechat = client_of(&config::Wechat { repeat_window, ..settings(&[&upstream.base]) });
        let mut asking = JoinSet::new();
        for _ in 0..100 {
            let wechat = wechat.clone();
            asking.spawn(async move { ask(&wechat, "code").await.unwrap().openid });
        }
        assert_eq!(asking.join_all().await, vec![OpenId("oOpenid_1".to_owned()); 100]);
        assert_eq!(upstream.count(), 1);
    }
}

#[tokio::test]
async fn survives_a_caller_that_goes_away() {
    let upstream = slow();
    let wechat = client(&[&upstream.base]);
    let gone = tokio::time::timeout(Duration::from_millis(50), ask(&wechat, "code")).await;
    assert!(gone.is_err());
    assert!(ask(&wechat, "code").await.is_ok());
    assert_eq!(upstream.count(), 1);
}

#[tokio::test]
async fn within_the_window_has_the_same_final_outcome() {
    for errcode in [0, 40029, 40163, 40226] {
        let reply = move |_, _: &_| if errcode == 0 { Reply::Body(SESSION.to_owned()) } else { refusal(errcode) };
        let upstream = Upstream::start(reply);
        let wechat = client(&[&upstream.base]);
        let [first, second] = [ask(&wechat, "code").await, ask(&wechat, "code").await];
        let what = |outcome: Result<CodeSession, ApiError>| outcome.map(|it| it.asked_at).map_err(|it| it.code);
        assert_eq!(what(first), what(second));
        assert_eq!(upstream.count(), 1, "{errcode}");
    }
}

#[tokio::test]
async fn may_be_tried_again_after_an_outcome_that_passes() {
    for errcode in [-1, 45011, 40125] {
        let reply = move |number, _: &_| if number == 1 { refusal(errcode) } else { Reply::Body(SESSION.to_owned()) };
        let wechat = client(&[&Upstream::start(reply).base]);
        assert!(ask(&wechat, "code").await.is_err());
        assert!(ask(&wechat, "code").await.is_ok(), "{errcode}");
    }
}

#[tokio::test]
async fn is_forgotten_after_the_window() {
    for repeat_window in [Duration::ZERO, Duration::from_millis(100)] {
        let upstream = Upstream::saying(SESSION);
        let wechat = client_of(&config::Wechat { repeat_window, ..settings(&[&upstream.base]) });
        ask(&wechat, "code").await.unwrap();
        tokio::time::sleep(repeat_window + Duration::from_millis(50)).await;
        ask(&wechat, "code").await.unwrap();
        assert_eq!(upstream.count(), 2);
    }
}
