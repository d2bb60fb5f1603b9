//! One person in several mini programs: a unionid joins the accounts, and never creates a second user or merges two.

use entity::user;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::harness::{Reply, TestApp};

on_each_database! {
    async fn one_unionid_of_two_mini_programs_is_one_user(app: TestApp) {
        let first = log_in(&app, "wx1", "o_1", Some("u_alice")).await;
        let second = log_in(&app, "wx2", "o_2", Some("u_alice")).await;
        assert_eq!((&first["isNewUser"], &second["isNewUser"]), (&json!(true), &json!(false)));
        assert_eq!(first["user"]["id"], second["user"]["id"]);
        assert_eq!(db_users(&app).await, 1);
        assert_eq!(log_in(&app, "wx2", "o_2", None).await["user"]["id"], first["user"]["id"]);
    }

    async fn concurrent_first_logins_of_two_mini_programs_create_one_user(app: TestApp) {
        let logins = (0..50).map(|n| {
            let (app, app_id) = (app.clone(), if n % 2 == 0 { "wx1" } else { "wx2" });
            tokio::spawn(async move { log_in(&app, app_id, &format!("o_{app_id}"), Some("u_alice")).await })
        });
        let mut users = Vec::new();
        for login in logins.collect::<Vec<_>>() {
            users.push(login.await.unwrap());
        }
        assert!(users.iter().all(|login| login["user"]["id"] == users[0]["user"]["id"]));
        assert_eq!(users.iter().filter(|login| login["isNewUser"] == json!(true)).count(), 1);
        assert_eq!(db_users(&app).await, 1);
    }

    async fn concurrent_logins_of_fifty_openids_with_one_unionid_create_one_user(app: TestApp) {
        let logins = (0..50).map(|n| {
            let (app, app_id) = (app.clone(), if n % 2 == 0 { "wx1" } else { "wx2" });
            tokio::spawn(async move { log_in(&app, app_id, &format!("o_{n}"), Some("u_alice")).await })
        });
        let mut users = Vec::new();
        for login in logins.collect::<Vec<_>>() {
            users.push(login.await.unwrap());
        }
        assert!(users.iter().all(|login| login["user"]["id"] == users[0]["user"]["id"]));
        assert_eq!(db_users(&app).await, 1);
    }

    async fn unionid_that_appears_later_is_attached(app: TestApp) {
        let first = log_in(&app, "wx1", "o_1", None).await;
        let again = log_in(&app, "wx1", "o_1", Some("u_alice")).await;
        let elsewhere = log_in(&app, "wx2", "o_2", Some("u_alice")).await;
        assert_eq!((&again["isNewUser"], &elsewhere["isNewUser"]), (&json!(false), &json!(false)));
        assert_eq!(again["user"]["id"], first["user"]["id"]);
        assert_eq!(elsewhere["user"]["id"], first["user"]["id"]);
    }

    async fn unionid_of_another_account_does_not_merge_them(app: TestApp) {
        let alice = log_in(&app, "wx1", "o_alice", Some("u_alice")).await;
        let bob = log_in(&app, "wx2", "o_bob", None).await;
        for _ in 0..2 {
            let conflict = log_in(&app, "wx2", "o_bob", Some("u_alice")).await;
            assert_eq!((&conflict["user"]["id"], &conflict["isNewUser"]), (&bob["user"]["id"], &json!(false)));
        }
        let unmoved = log_in(&app, "wx1", "o_alice", Some("u_alice")).await;
        assert_eq!(unmoved["user"]["id"], alice["user"]["id"]);
        assert_eq!(log_in(&app, "wx2", "o_new", Some("u_alice")).await["user"]["id"], alice["user"]["id"]);
        assert_eq!(db_users(&app).await, 2);
    }

    async fn unionids_that_differ_only_by_case_are_two_users(app: TestApp) {
        let lower = log_in(&app, "wx1", "o_1", Some("uabc")).await;
        let upper = log_in(&app, "wx2", "o_2", Some("uABC")).await;
        assert_ne!(lower["user"]["id"], upper["user"]["id"]);
    }

    async fn mini_programs_of_two_open_platforms_share_no_unionids(
        app: TestApp,
        [("FILE", "[open_platforms]\nwx1 = \"one\"\nwx2 = \"two\"")]
    ) {
        let first = log_in(&app, "wx1", "o_1", Some("u_alice")).await;
        let second = log_in(&app, "wx2", "o_2", Some("u_alice")).await;
        assert_eq!((&first["isNewUser"], &second["isNewUser"]), (&json!(true), &json!(true)));
        assert_ne!(first["user"]["id"], second["user"]["id"]);
        assert_eq!(log_in(&app, "wx1", "o_3", Some("u_alice")).await["user"]["id"], first["user"]["id"]);
    }
}

/// Logs in through a mini program as the person with this openid and unionid.
async fn log_in(app: &TestApp, app_id: &str, openid: &str, unionid: Option<&str>) -> Value {
    let code = format!("{:032x}", u128::from_be_bytes(miniaccount::random::bytes()));
    let reply = Reply::user(openid);
    app.wechat.reply(&code, if let Some(unionid) = unionid { reply.with("unionid", unionid) } else { reply });
    let answer = app.anonymous().login_with(json!({ "code": code, "appId": app_id })).await;
    answer.data()["login"].clone()
}

/// The number of users.
async fn db_users(app: &TestApp) -> u64 {
    let db = app.db().await;
    let count = user::Entity::find().count(&db).await.unwrap();
    db.close().await.unwrap();
    count
}
