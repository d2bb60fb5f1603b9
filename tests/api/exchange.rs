//! Several servers on one database trade a code once: who asks WeChat, what the others tell their clients, and what is
//! left of it afterwards.

use std::time::Duration;

use entity::{CodeHash, Timestamp, code_exchange};
use miniaccount::{store::Claim, wechat::LoginCode};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::harness::{Answer, Reply, TestApp};

/// Longer than any call to WeChat with these settings.
const LONG: Duration = Duration::from_mins(1);

/// What is longer than the window in which a repeat has the same outcome.
const AFTER_THE_WINDOW: Duration = Duration::from_secs(11);

on_each_database! {
    async fn one_code_on_two_servers_at_once_is_one_call_and_one_user(app: TestApp) {
        let nodes = [app.clone(), app.beside().await];
        app.wechat.reply("alice", Reply::After(Duration::from_millis(300), Box::new(Reply::user("o_alice"))));
        let logins: Vec<_> = (0..20).map(|n| login_later(&nodes[n % 2], "alice")).collect();
        let mut users = Vec::new();
        for login in logins {
            users.push(login.await.unwrap().data()["login"]["user"]["id"].clone());
        }
        assert!(users.iter().all(|user| *user == users[0]), "{users:?}");
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }

    async fn five_servers_and_many_codes_are_one_call_for_each(app: TestApp) {
        let mut nodes = vec![app.clone()];
        for _ in 0..4 {
            nodes.push(app.beside().await);
        }
        let logins: Vec<_> = (0..100).map(|n| login_later(&nodes[n % 5], &format!("user{}", n / 5))).collect();
        for login in logins {
            login.await.unwrap().data();
        }
        for n in 0..20 {
            assert_eq!(app.wechat.times_sent(&format!("user{n}")), 1);
        }
    }

    async fn a_repeat_on_the_other_server_has_the_same_outcome_without_a_call(app: TestApp) {
        let other = app.beside().await;
        app.wechat.reply("alice", Reply::user("o_alice").with("unionid", "u_alice"));
        let (first, second) = (app.log_in("alice").await, other.log_in("alice").await);
        assert_eq!(first.user_id, second.user_id);
        assert_ne!(first.session_id, second.session_id);
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }

    async fn a_refusal_is_the_same_on_the_other_server(app: TestApp) {
        let other = app.beside().await;
        for (errcode, code) in [(40029, "INVALID_CODE"), (40163, "CODE_USED"), (40226, "LOGIN_BLOCKED")] {
            let bad = format!("bad.{errcode}");
            let slowly = Box::new(Reply::errcode(errcode));
            app.wechat.reply(&bad, Reply::After(Duration::from_millis(100), slowly));
            let logins = [login_later(&app, &bad), login_later(&other, &bad)];
            for login in logins {
                assert_eq!(login.await.unwrap().code(), code);
            }
            assert_eq!(other.anonymous().login(&bad).await.code(), code);
            assert_eq!(app.wechat.times_sent(&bad), 1);
        }
    }

    async fn an_outcome_that_passes_is_not_kept(app: TestApp) {
        let other = app.beside().await;
        for errcode in [-1, 45011, 40125] {
            let code = format!("alice.{errcode}");
            app.wechat.reply(&code, Reply::errcode(errcode));
            app.anonymous().login(&code).await.error();
            assert_eq!(db_exchanges(&app).await.len(), 0);
            app.wechat.reply(&code, Reply::user("o_alice"));
            other.log_in(&code).await;
            db_forget(&app).await;
        }
    }

    async fn who_waits_for_an_outcome_that_passes_asks_wechat_in_turn(app: TestApp) {
        let other = app.beside().await;
        app.wechat.reply("alice", Reply::After(Duration::from_millis(300), Box::new(Reply::errcode(45011))));
        let first = login_later(&app, "alice");
        until_sent(&app, "alice").await;
        let second = login_later(&other, "alice");
        app.wechat.reply("alice", Reply::user("o_alice"));
        assert_eq!(first.await.unwrap().code(), "RATE_LIMITED");
        second.await.unwrap().data();
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn after_the_window_the_code_is_used(app: TestApp) {
        app.log_in("alice").await;
        app.wechat.reply("alice", Reply::errcode(40163));
        let (other, third) = (app.beside().await, app.beside().await);
        app.clock.advance(AFTER_THE_WINDOW);
        assert_eq!(other.anonymous().login("alice").await.code(), "CODE_USED");
        assert_eq!(third.anonymous().login("alice").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn a_repeat_does_not_begin_the_window_anew(app: TestApp) {
        let other = app.beside().await;
        app.log_in("alice").await;
        app.clock.advance(Duration::from_secs(9));
        other.log_in("alice").await;
        app.wechat.reply("alice", Reply::errcode(40163));
        app.clock.advance(Duration::from_secs(2));
        assert_eq!(other.anonymous().login("alice").await.code(), "CODE_USED");
    }

    async fn a_code_whose_server_died_is_taken_over_once(app: TestApp) {
        let nodes = [app.clone(), app.beside().await, app.beside().await];
        db_claim(&app, "alice", app.accounts.clock.now() + LONG).await;
        let logins = nodes.each_ref().map(|node| login_later(node, "alice"));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(app.wechat.times_sent("alice"), 0, "its time is not up yet");
        app.clock.advance(LONG);
        for login in logins {
            login.await.unwrap().data();
        }
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }

    async fn a_server_that_was_thought_dead_does_not_overwrite_what_came_after_it(app: TestApp) {
        let other = app.beside().await;
        app.wechat.reply("alice", Reply::After(Duration::from_millis(600), Box::new(Reply::user("o_alice"))));
        let slow = login_later(&app, "alice");
        until_sent(&app, "alice").await;
        app.wechat.reply("alice", Reply::errcode(40163));
        app.clock.advance(LONG);
        assert_eq!(other.anonymous().login("alice").await.code(), "CODE_USED");
        slow.await.unwrap().data();
        assert_eq!(app.beside().await.anonymous().login("alice").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn the_code_and_what_it_gave_cannot_be_read_in_the_table(app: TestApp) {
        app.wechat.reply("TheCode", Reply::user("TheOpenid").with("session_key", "TheSessionKey"));
        app.log_in("TheCode").await;
        let exchange = db_exchanges(&app).await.pop().unwrap();
        let outcome = exchange.outcome.as_ref().unwrap();
        for secret in ["TheCode", "TheOpenid", "TheSessionKey"] {
            for bytes in [&exchange.code_hash.0, &outcome.0] {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
            }
            assert!(!format!("{exchange:?}").contains(secret));
        }
        assert_eq!(exchange.code_hash, hash("TheCode"));
    }

    async fn an_outcome_put_under_another_code_is_not_believed(app: TestApp) {
        app.log_in("alice").await;
        let stolen = db_exchanges(&app).await.pop().unwrap();
        let mallory = code_exchange::Model { code_hash: hash("mallory"), ..stolen };
        db_insert(&app, mallory).await;
        assert_eq!(app.anonymous().login("mallory").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("mallory"), 0);
    }

    async fn with_the_window_off_nothing_is_written_and_each_server_asks(
        app: TestApp,
        [("FILE", "login_repeat_window = \"off\"")]
    ) {
        app.log_in("alice").await;
        app.beside().await.log_in("alice").await;
        assert_eq!((db_exchanges(&app).await.len(), app.wechat.times_sent("alice")), (0, 2));
    }

    async fn old_ones_are_removed_in_batches_and_others_stay(app: TestApp) {
        for n in 0..7 {
            db_claim(&app, &format!("old.{n}"), app.accounts.clock.now() + Duration::from_secs(n)).await;
        }
        app.clock.advance(LONG);
        app.log_in("alice").await;
        let (store, now) = (&app.accounts.store, app.accounts.clock.now());
        for expected in [3, 3, 1, 0] {
            assert_eq!(store.code_exchanges_purge(now, 3).await.unwrap(), expected);
        }
        assert_eq!(db_exchanges(&app).await.len(), 1);
    }

    async fn the_clean_up_goes_on_until_nothing_old_is_left(app: TestApp) {
        let old = (0..1200u32).map(|n| {
            let code_hash = CodeHash([&n.to_be_bytes()[..], &[0; 28]].concat());
            code_exchange::ActiveModel::from(code_exchange::Model { code_hash, outcome: None, expires_at: Timestamp(1) })
        });
        let db = app.db().await;
        for chunk in old.collect::<Vec<_>>().chunks(100) {
            code_exchange::Entity::insert_many(chunk.to_vec()).exec_without_returning(&db).await.unwrap();
        }
        app.log_in("alice").await;
        app.accounts.tidy().await.unwrap();
        assert_eq!(code_exchange::Entity::find().count(&db).await.unwrap(), 1);
        app.log_in("alice").await;
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }
}

on_any_database! {
    async fn one_code_for_two_mini_programs_is_two_codes_on_two_servers_too(app: TestApp) {
        let other = app.beside().await;
        app.log_in("alice").await;
        other.anonymous().login_with(json!({ "code": "alice", "appId": "wx2" })).await.data();
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn a_claim_that_never_ends_is_not_waited_for_longer_than_a_call_may_take(
        app: TestApp,
        [("FILE", "wechat_timeout = \"100ms\"")]
    ) {
        db_claim(&app, "alice", app.accounts.clock.now() + LONG).await;
        let refused = app.anonymous().login("alice").await;
        assert_eq!((refused.code(), &refused.error()["action"]), ("PROVIDER_UNAVAILABLE", &json!("RETRY")));
        assert_eq!(app.wechat.times_sent("alice"), 0);
    }
}

fn login_later(app: &TestApp, code: &str) -> JoinHandle<Answer> {
    let (client, code) = (app.anonymous(), code.to_owned());
    tokio::spawn(async move { client.login(&code).await })
}

async fn until_sent(app: &TestApp, code: &str) {
    while app.wechat.times_sent(code) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn hash(code: &str) -> CodeHash {
    LoginCode::parse(code).unwrap().hash("wx1")
}

/// Claims a code as a server does that is then never heard of again.
async fn db_claim(app: &TestApp, code: &str, until: Timestamp) {
    let claim = Claim { code: hash(code), until };
    assert!(app.accounts.store.code_exchange_claim(&claim).await.unwrap());
}

async fn db_exchanges(app: &TestApp) -> Vec<code_exchange::Model> {
    let db = app.db().await;
    let exchanges = code_exchange::Entity::find().all(&db).await.unwrap();
    db.close().await.unwrap();
    exchanges
}

async fn db_forget(app: &TestApp) {
    let db = app.db().await;
    code_exchange::Entity::delete_many().exec(&db).await.unwrap();
    db.close().await.unwrap();
}

async fn db_insert(app: &TestApp, exchange: code_exchange::Model) {
    let db = app.db().await;
    let row = code_exchange::ActiveModel::from(exchange);
    code_exchange::Entity::insert(row).exec_without_returning(&db).await.unwrap();
    db.close().await.unwrap();
}
