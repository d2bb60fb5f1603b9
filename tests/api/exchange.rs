//! A code is one login on all nodes of one database: which node calls WeChat, what a repeated code gets, and what is
//! stored.
mod claims;
mod outcomes;
mod purge;

use std::time::Duration;

use entity::{CodeHash, Timestamp, code_exchange, session};
use miniaccount::{store::CodeClaim, wechat::LoginCode};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::harness::{ApiResponse, Reply, TestApp, user_key, wait_until};

/// Longer than any call to WeChat with these settings.
const LONG: Duration = Duration::from_mins(1);

/// Longer than the window in which a repeated code gets the stored outcome.
const AFTER_REPEAT_WINDOW: Duration = Duration::from_secs(11);

on_each_database! {
    async fn concurrent_logins_with_one_code_are_one_call_and_one_session(app: TestApp) {
        let nodes = [app.clone(), app.another_node().await];
        app.wechat.reply("alice", Reply::After(Duration::from_millis(300), Box::new(Reply::user("o_alice"))));
        let logins: Vec<_> = (0..20).map(|n| spawn_login(&nodes[n % 2], "alice")).collect();
        let mut answers = Vec::new();
        for login in logins {
            answers.push(login.await.unwrap().data()["login"].clone());
        }
        assert!(answers.iter().all(|login| *login == answers[0]), "{answers:?}");
        assert_eq!((app.wechat.times_sent("alice"), db_sessions(&app).await.len()), (1, 1));
    }

    async fn each_code_is_sent_once_by_five_nodes(app: TestApp) {
        let mut nodes = vec![app.clone()];
        for _ in 0..4 {
            nodes.push(app.another_node().await);
        }
        let logins: Vec<_> = (0..100).map(|n| spawn_login(&nodes[n % 5], &format!("user{}", n / 5))).collect();
        for login in logins {
            login.await.unwrap().data();
        }
        for n in 0..20 {
            assert_eq!(app.wechat.times_sent(&format!("user{n}")), 1);
        }
    }

    async fn repeated_code_gets_the_same_session_and_tokens_on_every_node(app: TestApp) {
        let other = app.another_node().await;
        for (name, is_new) in [("alice.1", true), ("alice.2", false)] {
            app.wechat.reply(name, Reply::user("o_alice").with("unionid", "u_alice"));
            let first = app.log_in(name).await;
            assert_eq!(first.login["isNewUser"], json!(is_new));
            app.clock.advance(Duration::from_secs(3));
            for node in [&app, &other, &app] {
                let repeat = node.log_in(name).await;
                assert_eq!(repeat.login, first.login);
                assert_eq!(repeat.client.me().await.data()["me"]["id"], json!(first.user_id));
            }
            assert_eq!(app.wechat.times_sent(name), 1);
        }
        assert_eq!(db_sessions(&app).await.len(), 2);
    }

    async fn concurrent_logins_with_one_code_and_device_open_one_session(app: TestApp) {
        let nodes = [app.clone(), app.another_node().await];
        let device = json!({ "code": "alice.2", "device": { "id": "phone" } });
        app.log_in("alice.1").await;
        let logins: Vec<_> = (0..5)
            .map(|n| {
                let (client, arguments) = (nodes[n % 2].anonymous(), device.clone());
                tokio::spawn(async move { client.login_with(arguments).await })
            })
            .collect();
        for login in logins {
            let token = login.await.unwrap().data()["login"]["token"].as_str().unwrap().to_owned();
            nodes[1].with_token(&token).me().await.data();
        }
        assert!(db_sessions(&app).await.iter().all(|session| session.ended_at.is_none()));
        assert_eq!(db_sessions(&app).await.len(), 2);
    }

    async fn repeated_code_gets_no_revoked_tokens(app: TestApp) {
        let nodes = [app.clone(), app.another_node().await];
        let logged_out = app.log_in("alice.1").await;
        logged_out.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        let refreshed = app.log_in("alice.2").await;
        app.anonymous().refresh(&refreshed.refresh_token).await.data();
        let removed = app.log_in("alice.3").await;
        app.db_delete_session(&removed).await;
        for code in ["alice.1", "alice.2", "alice.3"] {
            app.wechat.reply(code, Reply::errcode(40163));
        }
        for node in &nodes {
            for code in ["alice.1", "alice.2", "alice.3"] {
                let refused = node.anonymous().login(code).await;
                assert_eq!((refused.code(), &refused.error()["action"]), ("CODE_USED", &json!("RELOGIN")), "{code}");
            }
        }
        let suspended = app.log_in("bob").await;
        app.accounts.suspend(user_key(&suspended)).await.unwrap();
        for node in &nodes {
            assert_eq!(node.anonymous().login("bob").await.code(), "ACCOUNT_SUSPENDED");
        }
        // each code was sent once more
        assert_eq!(app.wechat.sent().len(), 4 + 3);
    }

    async fn code_accepted_again_after_logout_opens_another_session(app: TestApp) {
        let other = app.another_node().await;
        let first = app.log_in("alice").await;
        first.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        for node in [&other, &app] {
            let again = node.log_in("alice").await;
            assert_ne!(again.session_id, first.session_id);
            again.client.me().await.data();
        }
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn disabled_repeat_window_stores_nothing_and_each_node_calls_wechat(
        app: TestApp,
        [("FILE", "login_repeat_window = \"off\"")]
    ) {
        app.log_in("alice").await;
        app.another_node().await.log_in("alice").await;
        assert_eq!((db_exchanges(&app).await.len(), app.wechat.times_sent("alice")), (0, 2));
    }
}

on_any_database! {
    async fn one_code_for_two_mini_programs_is_two_codes_across_nodes(app: TestApp) {
        let other = app.another_node().await;
        app.log_in("alice").await;
        other.anonymous().login_with(json!({ "code": "alice", "appId": "wx2" })).await.data();
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }
}

fn spawn_login(app: &TestApp, code: &str) -> JoinHandle<ApiResponse> {
    let (client, code) = (app.anonymous(), code.to_owned());
    tokio::spawn(async move { client.login(&code).await })
}

async fn until_sent(app: &TestApp, code: &str) {
    wait_until(|| app.wechat.times_sent(code) > 0).await;
}

fn hash(code: &str) -> CodeHash {
    LoginCode::parse(code).unwrap().hash("wx1")
}

/// Claims a code like a node that dies afterwards.
async fn db_claim(app: &TestApp, code: &str, until: Timestamp) {
    let claim = CodeClaim { code: hash(code), until };
    assert!(app.store.code_exchange_claim(&claim).await.unwrap());
}

async fn db_exchanges(app: &TestApp) -> Vec<code_exchange::Model> {
    let db = app.db().await;
    let exchanges = code_exchange::Entity::find().all(&db).await.unwrap();
    db.close().await.unwrap();
    exchanges
}

/// All sessions, ended or not.
async fn db_sessions(app: &TestApp) -> Vec<session::Model> {
    let db = app.db().await;
    let sessions = session::Entity::find().all(&db).await.unwrap();
    db.close().await.unwrap();
    sessions
}

async fn db_rename(app: &TestApp, from: &str, to: &str) {
    let db = app.db().await;
    db.execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
    db.close().await.unwrap();
}

async fn db_delete_exchanges(app: &TestApp) {
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
