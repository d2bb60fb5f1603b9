//! The access token of a mini program: asked for once, shared by all servers, renewed in time, and never in the way of a
//! login.

use std::time::Duration;

use entity::{OpenId, Timestamp, access_token};
use futures_util::future::join_all;
use miniaccount::{
    account::Resealed,
    error::{ApiError, Code},
    wechat::{Suggest, Verdict, image_check, text_check},
};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::json;

use crate::{
    harness::{Reply, TOKEN, TestApp},
    rotation::{BOTH, NEW},
};

const CHECK: &str = "/wxa/msg_sec_check";

on_each_database! {
    async fn many_calls_on_two_servers_ask_for_one_token(app: TestApp) {
        app.wechat.reply(TOKEN, Reply::After(Duration::from_millis(100), Box::new(token("TheToken.one"))));
        let nodes = [app.clone(), app.beside().await];
        let calls = (0..40).map(|n| check(&nodes[n % 2]));
        for checked in join_all(calls).await {
            assert_eq!(checked.unwrap(), Verdict { suggest: Suggest::Pass, label: 100 });
        }
        assert_eq!(asked(&app), 1);
        assert!(app.wechat.calls_of(CHECK).iter().all(|sent| sent["access_token"] == "TheToken.one"));
    }

    async fn what_is_stored_is_sealed_and_another_server_uses_it(app: TestApp) {
        check(&app).await.unwrap();
        let sealed = db_token(&app).await.unwrap().sealed_token.unwrap();
        assert!(!String::from_utf8_lossy(&sealed.0).contains("TheToken"));
        check(&app.beside().await).await.unwrap();
        assert_eq!(asked(&app), 1);
    }

    async fn a_token_is_renewed_when_less_than_five_minutes_of_it_are_left(app: TestApp) {
        check(&app).await.unwrap();
        app.clock.advance(Duration::from_secs(7200 - 301));
        check(&app).await.unwrap();
        assert_eq!(asked(&app), 1);
        app.clock.advance(Duration::from_mins(1) + Duration::from_secs(2));
        check(&app).await.unwrap();
        assert_eq!(asked(&app), 2);
        let used: Vec<_> = app.wechat.calls_of(CHECK).iter().map(|sent| sent["access_token"].clone()).collect();
        assert_eq!(used, ["TheToken.wx1.1", "TheToken.wx1.1", "TheToken.wx1.2"]);
    }

    async fn the_old_token_serves_while_it_is_good_and_there_is_no_new_one(app: TestApp) {
        check(&app).await.unwrap();
        app.wechat.reply(TOKEN, Reply::Raw(503, "text/html", String::new()));
        app.clock.advance(Duration::from_mins(119));
        check(&app).await.unwrap();
        app.clock.advance(Duration::from_mins(1));
        assert_eq!(check(&app).await.unwrap_err().code, Code::ProviderUnavailable);
    }

    async fn a_claim_of_a_server_that_is_gone_is_taken_over_when_it_has_expired(app: TestApp) {
        let claim = access_token::ActiveModel {
            app_id: Set("wx1".to_owned()),
            sealed_token: Set(None),
            expires_at: Set(Timestamp(0)),
            renewing_until: Set(Some(app.accounts.now() + Duration::from_secs(20))),
        };
        access_token::Entity::insert(claim).exec_without_returning(&app.db().await).await.unwrap();
        let waiting = tokio::spawn({
            let app = app.clone();
            async move { check(&app).await }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(asked(&app), 0);
        app.clock.advance(Duration::from_secs(20));
        waiting.await.unwrap().unwrap();
        assert_eq!(asked(&app), 1);
    }

    async fn a_token_opens_with_the_newest_key_alone_after_a_reseal(app: TestApp) {
        check(&app).await.unwrap();
        assert_eq!(app.beside_with(BOTH).await.accounts.reseal(|_| ()).await.unwrap(), Resealed::default());
        check(&app.beside_with(NEW).await).await.unwrap();
        assert_eq!(asked(&app), 1);
    }
}

on_any_database! {
    async fn a_token_that_wechat_refuses_is_renewed_once_and_the_call_repeated_once(app: TestApp) {
        for (errcode, before) in [(40001, 0), (40014, 1), (42001, 1)] {
            app.wechat.forget();
            app.wechat.reply(CHECK, Reply::errcode(errcode));
            check(&app).await.unwrap_err();
            // the first of all has to be asked for as well
            assert_eq!((app.wechat.calls_of(CHECK).len(), asked(&app) + before), (2, 2), "{errcode}");
        }
    }

    async fn a_call_with_a_stale_token_succeeds_with_the_next(app: TestApp) {
        check(&app).await.unwrap();
        let nodes = [app.beside().await, app.beside().await];
        for node in &nodes {
            check(node).await.unwrap();
        }
        // only the token after the first is known to WeChat
        app.wechat.refuse_token("TheToken.wx1.1");
        for node in [&app, &nodes[0], &nodes[1]] {
            check(node).await.unwrap();
        }
        assert_eq!(asked(&app), 2);
    }

    async fn those_who_wait_for_a_token_share_its_failure(app: TestApp) {
        app.wechat.reply(TOKEN, Reply::After(Duration::from_millis(200), Box::new(Reply::errcode(40164))));
        for checked in join_all((0..10).map(|_| check(&app))).await {
            assert_eq!(checked.unwrap_err().code, Code::ProviderMisconfigured);
        }
        assert_eq!(asked(&app), 1);
        let ready = app.anonymous().get("/readyz").await;
        assert!(ready.body["wechat"]["wx1"].as_str().unwrap().contains("40164"), "{}", ready.text);
    }

    async fn logins_work_while_there_is_no_token(app: TestApp, [("FILE", "wechat_timeout = \"300ms\"")]) {
        app.wechat.reply(TOKEN, Reply::Hang);
        let calls = join_all((0..30).map(|_| check(&app)));
        let logins = join_all((0..30).map(|n| {
            let app = app.clone();
            async move { app.log_in(&format!("user{n}")).await }
        }));
        let (calls, _) = tokio::join!(calls, logins);
        assert!(calls.into_iter().all(|call| call.is_err()));
        for _ in 0..30 {
            check(&app).await.unwrap_err();
        }
        app.log_in("alice").await;
    }

    async fn a_token_is_asked_for_by_post_and_never_by_force(app: TestApp) {
        check(&app).await.unwrap();
        let sent = &app.wechat.calls_of(TOKEN)[0];
        let field = |name: &str| sent[name].as_str();
        assert_eq!(
            [field("grant_type"), field("appid"), field("secret")],
            ["client_credential", "wx1", "secret-of-wx1"]
        );
        assert_eq!(sent.len(), 4, "and its path");
    }

    async fn odd_tokens_are_refused(app: TestApp) {
        for body in [
            json!({ "access_token": "", "expires_in": 7200 }),
            json!({ "access_token": "a b", "expires_in": 7200 }),
            json!({ "access_token": "a".repeat(901), "expires_in": 7200 }),
            json!({ "access_token": "a", "expires_in": 0 }),
            json!({ "access_token": "a" }),
            json!({ "access_token": 5, "expires_in": 7200 }),
        ] {
            app.wechat.reply(TOKEN, Reply::Json(body.clone()));
            assert_eq!(check(&app).await.unwrap_err().code, Code::ProviderUnavailable, "{body}");
        }
        app.wechat.reply(TOKEN, Reply::Json(json!({ "access_token": "a".repeat(900), "expires_in": "7200" })));
        check(&app).await.unwrap();
    }

    async fn bad_text_is_no_refusal_and_odd_answers_are_outages(app: TestApp) {
        app.wechat.reply(CHECK, Reply::Json(json!({ "errcode": 0, "result": { "suggest": "risky", "label": 20003 } })));
        assert_eq!(check(&app).await.unwrap(), Verdict { suggest: Suggest::Risky, label: 20003 });
        for body in [json!({ "errcode": 0 }), json!({ "result": { "suggest": "perhaps" } }), json!([])] {
            app.wechat.reply(CHECK, Reply::Json(body));
            assert_eq!(check(&app).await.unwrap_err().code, Code::ProviderUnavailable);
        }
        let sent = &app.wechat.calls_of(CHECK)[0];
        assert_eq!([&sent["content"], &sent["openid"], &sent["scene"], &sent["version"]], ["爱丽丝", "o_alice", "1", "2"]);
    }

    async fn pictures_are_checked(app: TestApp) {
        let picture = image_check(&OpenId("o_alice".to_owned()), "https://a.example/1.png");
        assert_eq!(app.accounts.call_wechat("wx1", &picture).await.unwrap(), "trace");
    }
}

fn token(token: &str) -> Reply {
    Reply::Json(json!({ "access_token": token, "expires_in": 7200 }))
}

async fn check(app: &TestApp) -> Result<Verdict, ApiError> {
    app.accounts.call_wechat("wx1", &text_check(&OpenId("o_alice".to_owned()), "爱丽丝")).await
}

/// How often WeChat was asked for a token.
fn asked(app: &TestApp) -> usize {
    app.wechat.calls_of(TOKEN).len()
}

async fn db_token(app: &TestApp) -> Option<access_token::Model> {
    access_token::Entity::find_by_id("wx1").one(&app.db().await).await.unwrap()
}
