//! Which outcomes of an exchange are stored, and for how long a repeated code gets them.

use super::*;

on_each_database! {
    async fn failed_write_is_completed_by_the_next_attempt(app: TestApp) {
        app.log_in("bob").await;
        for (name, is_new) in [("alice.1", true), ("alice.2", false)] {
            db_rename(&app, "sessions", "sessions_away").await;
            for _ in 0..2 {
                let failed = app.anonymous().login(name).await;
                assert_eq!((failed.code(), &failed.error()["action"]), ("INTERNAL_SERVER_ERROR", &json!("RETRY")));
            }
            db_rename(&app, "sessions_away", "sessions").await;
            let login = app.log_in(name).await;
            assert_eq!(login.login["isNewUser"], json!(is_new));
            assert_eq!(app.another_node().await.log_in(name).await.login, login.login);
            assert_eq!(app.wechat.times_sent(name), 1);
        }
    }

    async fn refusal_is_the_same_on_every_node(app: TestApp) {
        let other = app.another_node().await;
        for (errcode, code) in [(40029, "INVALID_CODE"), (40163, "CODE_USED"), (40226, "LOGIN_BLOCKED")] {
            let bad = format!("bad.{errcode}");
            let slowly = Box::new(Reply::errcode(errcode));
            app.wechat.reply(&bad, Reply::After(Duration::from_millis(100), slowly));
            let logins = [spawn_login(&app, &bad), spawn_login(&other, &bad)];
            for login in logins {
                assert_eq!(login.await.unwrap().code(), code);
            }
            assert_eq!(other.anonymous().login(&bad).await.code(), code);
            assert_eq!(app.wechat.times_sent(&bad), 1);
        }
    }

    async fn transient_outcome_is_not_stored(app: TestApp) {
        let other = app.another_node().await;
        for errcode in [-1, 45011, 40125] {
            let code = format!("alice.{errcode}");
            app.wechat.reply(&code, Reply::errcode(errcode));
            app.anonymous().login(&code).await.error();
            assert_eq!(db_exchanges(&app).await.len(), 0);
            app.wechat.reply(&code, Reply::user("o_alice"));
            other.log_in(&code).await;
            db_delete_exchanges(&app).await;
        }
    }

    async fn login_that_waited_for_a_transient_outcome_calls_wechat(app: TestApp) {
        let other = app.another_node().await;
        app.wechat.reply("alice", Reply::After(Duration::from_millis(300), Box::new(Reply::errcode(45011))));
        let first = spawn_login(&app, "alice");
        until_sent(&app, "alice").await;
        let second = spawn_login(&other, "alice");
        app.wechat.reply("alice", Reply::user("o_alice"));
        assert_eq!(first.await.unwrap().code(), "RATE_LIMITED");
        second.await.unwrap().data();
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn code_is_used_after_the_repeat_window(app: TestApp) {
        app.log_in("alice").await;
        app.wechat.reply("alice", Reply::errcode(40163));
        let (other, third) = (app.another_node().await, app.another_node().await);
        app.clock.advance(AFTER_REPEAT_WINDOW);
        assert_eq!(other.anonymous().login("alice").await.code(), "CODE_USED");
        assert_eq!(third.anonymous().login("alice").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn repeated_code_does_not_extend_the_window(app: TestApp) {
        let other = app.another_node().await;
        app.log_in("alice").await;
        app.clock.advance(Duration::from_secs(9));
        other.log_in("alice").await;
        app.wechat.reply("alice", Reply::errcode(40163));
        app.clock.advance(Duration::from_secs(2));
        assert_eq!(other.anonymous().login("alice").await.code(), "CODE_USED");
    }
}
