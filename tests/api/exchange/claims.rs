//! Claims of codes: the claim of a dead node, and rows that cannot be read or swapped.

use super::*;

on_each_database! {
    async fn claim_of_a_dead_node_is_taken_over_once(app: TestApp) {
        let nodes = [app.clone(), app.another_node().await, app.another_node().await];
        db_claim(&app, "alice", app.accounts.now() + LONG).await;
        let logins = nodes.each_ref().map(|node| spawn_login(node, "alice"));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(app.wechat.times_sent("alice"), 0, "the claim has not expired");
        app.clock.advance(LONG);
        for login in logins {
            login.await.unwrap().data();
        }
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }

    async fn late_outcome_does_not_overwrite_that_of_the_new_claim(app: TestApp) {
        let other = app.another_node().await;
        app.wechat.reply("alice", Reply::After(Duration::from_millis(600), Box::new(Reply::user("o_alice"))));
        let slow = spawn_login(&app, "alice");
        until_sent(&app, "alice").await;
        app.wechat.reply("alice", Reply::errcode(40163));
        app.clock.advance(LONG);
        assert_eq!(other.anonymous().login("alice").await.code(), "CODE_USED");
        slow.await.unwrap().data();
        assert_eq!(app.another_node().await.anonymous().login("alice").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }

    async fn code_and_outcome_are_not_readable_in_the_table(app: TestApp) {
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

    async fn outcome_moved_to_another_code_is_refused(app: TestApp) {
        app.log_in("alice").await;
        let stolen = db_exchanges(&app).await.pop().unwrap();
        let mallory = code_exchange::Model { code_hash: hash("mallory"), ..stolen };
        db_insert(&app, mallory).await;
        assert_eq!(app.anonymous().login("mallory").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("mallory"), 0);
    }
}

on_any_database! {
    async fn waiting_for_another_nodes_claim_times_out(app: TestApp, [("FILE", "wechat_timeout = \"100ms\"")]) {
        db_claim(&app, "alice", app.accounts.now() + LONG).await;
        let refused = app.anonymous().login("alice").await;
        assert_eq!((refused.code(), &refused.error()["action"]), ("PROVIDER_UNAVAILABLE", &json!("RETRY")));
        assert_eq!(app.wechat.times_sent("alice"), 0);
    }
}
