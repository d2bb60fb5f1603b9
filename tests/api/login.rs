//! Logging in.

use serde_json::json;

use crate::harness::Reply;

on_each_database! {
    async fn a_first_login_makes_a_user_and_the_next_finds_them(app: TestApp) {
        let first = app.log_in("alice.1").await;
        let second = app.log_in("alice.2").await;
        assert_eq!(first.login["isNewUser"], json!(true));
        assert_eq!(second.login["isNewUser"], json!(false));
        assert_eq!(first.user_id, second.user_id);
        assert_ne!(first.session_id, second.session_id);
        assert_eq!(second.client.me().await.data()["me"]["id"], json!(first.user_id));
    }

    async fn two_hundred_first_logins_of_one_person_make_one_user(app: TestApp) {
        let logins = (0..200).map(|n| {
            let app = app.clone();
            tokio::spawn(async move { app.log_in(&format!("alice.{n}")).await })
        });
        let mut users = Vec::new();
        for login in logins.collect::<Vec<_>>() {
            users.push(login.await.unwrap());
        }
        assert!(users.iter().all(|user| user.user_id == users[0].user_id));
        assert_eq!(users.iter().filter(|user| user.login["isNewUser"] == json!(true)).count(), 1);
        let sessions = users[0].client.graphql("{ me { sessions(first: 100) { totalCount } } }", json!({})).await;
        let survivors = sessions.body.pointer("/data/me/sessions/totalCount");
        // the caller's own session may be among those the cap has ended
        assert!(survivors.is_none() || survivors == Some(&json!(20)), "{}", sessions.body);
    }

    async fn openids_that_differ_only_by_case_are_two_people(app: TestApp) {
        app.wechat.reply("lower", Reply::user("oabc"));
        app.wechat.reply("upper", Reply::user("oABC"));
        assert_ne!(app.log_in("lower").await.user_id, app.log_in("upper").await.user_id);
    }
}
