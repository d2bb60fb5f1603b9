//! The access token of a mini program: fetched once, shared by all nodes, renewed in time. A login never waits for it.

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
    rotation::{NEW_FIRST, NEW_ONLY},
};

const CHECK: &str = "/wxa/msg_sec_check";

on_each_database! {
    async fn concurrent_calls_on_two_nodes_fetch_one_token(app: TestApp) {
        app.wechat.reply(TOKEN, Reply::After(Duration::from_millis(100), Box::new(token("TheToken.one"))));
        let nodes = [app.clone(), app.another_node().await];
        let calls = (0..40).map(|n| check(&nodes[n % 2]));
        for checked in join_all(calls).await {
            assert_eq!(checked.unwrap(), Verdict { suggest: Suggest::Pass, label: 100 });
        }
        assert_eq!(token_requests(&app), 1);
        assert!(app.wechat.calls_of(CHECK).iter().all(|sent| sent["access_token"] == "TheToken.one"));
    }

    async fn stored_token_is_sealed_and_used_by_other_nodes(app: TestApp) {
        check(&app).await.unwrap();
        let sealed = db_token(&app).await.unwrap().sealed_token.unwrap();
        assert!(!String::from_utf8_lossy(&sealed.0).contains("TheToken"));
        check(&app.another_node().await).await.unwrap();
        assert_eq!(token_requests(&app), 1);
    }

    async fn token_is_renewed_in_its_last_five_minutes(app: TestApp) {
        check(&app).await.unwrap();
        app.clock.advance(Duration::from_secs(7200 - 301));
        check(&app).await.unwrap();
        assert_eq!(token_requests(&app), 1);
        app.clock.advance(Duration::from_mins(1) + Duration::from_secs(2));
        check(&app).await.unwrap();
        assert_eq!(token_requests(&app), 2);
        let used: Vec<_> = app.wechat.calls_of(CHECK).iter().map(|sent| sent["access_token"].clone()).collect();
        assert_eq!(used, ["TheToken.wx1.1", "TheToken.wx1.1", "TheToken.wx1.2"]);
    }

    async fn old_token_is_used_until_it_expires_if_renewal_fails(app: TestApp) {
        check(&app).await.unwrap();
        app.wechat.reply(TOKEN, Reply::Raw(503, "text/html", String::new()));
        app.clock.advance(Duration::from_mins(119));
        check(&app).await.unwrap();
        app.clock.advance(Duration::from_mins(1));
        assert_eq!(check(&app).await.unwrap_err().code, Code::ProviderUnavailable);
    }

    async fn expired_claim_of_a_dead_node_is_taken_over(app: TestApp) {
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
        assert_eq!(token_requests(&app), 0);
        app.clock.advance(Duration::from_secs(20));
        waiting.await.unwrap().unwrap();
        assert_eq!(token_requests(&app), 1);
    }

    async fn resealed_token_opens_with_the_newest_key_alone(app: TestApp) {
        check(&app).await.unwrap();
        assert_eq!(app.another_node_with(NEW_FIRST).await.accounts.reseal(|_| ()).await.unwrap(), Resealed::default());
        check(&app.another_node_with(NEW_ONLY).await).await.unwrap();
        assert_eq!(token_requests(&app), 1);
    }
}

on_any_database! {
    async fn refused_token_is_renewed_once_and_the_call_repeated_once(app: TestApp) {
        for (errcode, before) in [(40001, 0), (40014, 1), (42001, 1)] {
            app.wechat.clear_calls();
            app.wechat.reply(CHECK, Reply::errcode(errcode));
            check(&app).await.unwrap_err();
            // the very first token is fetched as well
            assert_eq!((app.wechat.calls_of(CHECK).len(), token_requests(&app) + before), (2, 2), "{errcode}");
        }
    }

    async fn call_with_a_stale_token_succeeds_with_the_next_one(app: TestApp) {
        check(&app).await.unwrap();
        let nodes = [app.another_node().await, app.another_node().await];
        for node in &nodes {
            check(node).await.unwrap();
        }
        // WeChat knows only the token after the first
        app.wechat.refuse_token("TheToken.wx1.1");
        for node in [&app, &nodes[0], &nodes[1]] {
            check(node).await.unwrap();
        }
        assert_eq!(token_requests(&app), 2);
    }

    async fn calls_that_wait_for_a_token_share_its_failure(app: TestApp) {
        app.wechat.reply(TOKEN, Reply::After(Duration::from_millis(200), Box::new(Reply::errcode(40164))));
        for checked in join_all((0..10).map(|_| check(&app))).await {
            assert_eq!(checked.unwrap_err().code, Code::ProviderMisconfigured);
        }
        assert_eq!(token_requests(&app), 1);
        let ready = app.anonymous().get("/readyz").await;
        assert!(ready.body["wechat"]["wx1"].as_str().unwrap().contains("40164"), "{}", ready.text);
    }

    async fn logins_succeed_without_an_access_token(app: TestApp, [("FILE", "wechat_timeout = \"300ms\"")]) {
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

    async fn token_is_fetched_by_post_without_force_refresh(app: TestApp) {
        check(&app).await.unwrap();
        let sent = &app.wechat.calls_of(TOKEN)[0];
        let field = |name: &str| sent[name].as_str();
        assert_eq!(
            [field("grant_type"), field("appid"), field("secret")],
            ["client_credential", "wx1", "secret-of-wx1"]
        );
        assert_eq!(sent.len(), 4, "the fourth one is the path");
    }

    async fn invalid_tokens_are_refused(app: TestApp) {
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

    async fn risky_text_is_a_verdict_and_an_invalid_response_is_an_outage(app: TestApp) {
        app.wechat.reply(CHECK, Reply::Json(json!({ "errcode": 0, "result": { "suggest": "risky", "label": 20003 } })));
        assert_eq!(check(&app).await.unwrap(), Verdict { suggest: Suggest::Risky, label: 20003 });
        for body in [json!({ "errcode": 0 }), json!({ "result": { "suggest": "perhaps" } }), json!([])] {
            app.wechat.reply(CHECK, Reply::Json(body));
            assert_eq!(check(&app).await.unwrap_err().code, Code::ProviderUnavailable);
        }
        let sent = &app.wechat.calls_of(CHECK)[0];
        assert_eq!(
            [&sent["content"], &sent["openid"], &sent["scene"], &sent["version"]],
            ["爱丽丝", "o_alice", "1", "2"]
        );
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

/// The number of token requests to WeChat.
fn token_requests(app: &TestApp) -> usize {
    app.wechat.calls_of(TOKEN).len()
}

async fn db_token(app: &TestApp) -> Option<access_token::Model> {
    access_token::Entity::find_by_id("wx1").one(&app.db().await).await.unwrap()
}
