//! The deletion of an account: requested with a code, cancellable during the grace period, and complete after it.

mod remnants;

use std::time::Duration;

use entity::{identity, session, user};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::{
    harness::{ApiResponse, Client, Reply, Subscriber, TestApp, user_key, wait_until, wait_until_refused},
    suspend::admin,
};

const GRACE: Duration = Duration::from_hours(15 * 24);

/// Requests the deletion of the client's account.
async fn delete(client: &Client, code: &str) -> ApiResponse {
    let query =
        "mutation($code: String!) { deleteAccount(code: $code) { deletesAt userErrors { code field message } } }";
    client.graphql(query, json!({ "code": code })).await
}

async fn cancel(client: &Client) -> Value {
    let query = "mutation { cancelAccountDeletion { user { status deletesAt } userErrors { code } } }";
    client.graphql(query, json!({})).await.data()["cancelAccountDeletion"].clone()
}

async fn status(client: &Client) -> Value {
    client.graphql("{ me { status deletesAt } }", json!({})).await.data()["me"].clone()
}

on_each_database! {
    async fn deletion_is_scheduled_once_and_can_be_cancelled(app: TestApp) {
        let _task = app.tail_feed();
        let alice = app.log_in("alice.1").await;
        assert_eq!(status(&alice.client).await, json!({ "status": "ACTIVE", "deletesAt": null }));
        let deletes_at = delete(&alice.client, "alice.2").await.data()["deleteAccount"].clone();
        assert_eq!(deletes_at, json!({ "deletesAt": "2026-10-06T14:13:20.000Z", "userErrors": [] }));
        // a later request does not change the time
        app.clock.advance(Duration::from_hours(24));
        let alice = app.log_in("alice.3").await;
        assert_eq!(delete(&alice.client, "alice.4").await.data()["deleteAccount"], deletes_at);
        let expected = json!({ "status": "DELETING", "deletesAt": deletes_at["deletesAt"] });
        assert_eq!(status(&alice.client).await, expected);
        for _ in 0..2 {
            let cancelled = json!({ "user": { "status": "ACTIVE", "deletesAt": null }, "userErrors": [] });
            assert_eq!(cancel(&alice.client).await, cancelled);
        }
        app.clock.advance(GRACE);
        app.accounts.purge_accounts().await.unwrap();
        assert_eq!(app.log_in("alice.5").await.user_id, alice.user_id);
    }

    async fn scheduled_deletion_keeps_a_suspended_account_suspended(app: TestApp) {
        let (alice, admin) = (app.log_in("alice.1").await, app.log_in("admin").await);
        app.db_set_role(&admin, user::Role::Admin).await;
        delete(&alice.client, "alice.2").await.data();
        let query = "query($id: ID!) { user(id: $id) { status } }";
        let seen =
            async || admin.client.graphql(query, json!({ "id": alice.user_id })).await.data()["user"]["status"].clone();
        assert_eq!(seen().await, "DELETING");
        app.accounts.suspend(user_key(&alice)).await.unwrap();
        assert_eq!(seen().await, "SUSPENDED");
    }

    async fn deletion_requires_an_unused_code_of_the_caller(app: TestApp) {
        let alice = app.log_in("alice.1").await;
        assert_eq!(delete(&alice.client, "alice.1").await.code(), "CODE_USED");
        assert_eq!(app.wechat.times_sent("alice.1"), 1);
        let refused = delete(&alice.client, "bob.1").await;
        let errors = &refused.data()["deleteAccount"]["userErrors"];
        assert_eq!((&errors[0]["code"], &errors[0]["field"]), (&json!("WRONG_PERSON"), &json!(["code"])));
        app.wechat.reply("bad", Reply::errcode(40029));
        assert_eq!(delete(&alice.client, "bad").await.code(), "INVALID_CODE");
        assert_eq!(status(&alice.client).await["status"], "ACTIVE");
        delete(&alice.client, "alice.2").await.data();
        // a code that proved an identity logs nobody in
        for code in ["alice.2", "bob.1"] {
            assert_eq!(app.anonymous().login(code).await.code(), "CODE_USED");
            assert_eq!(app.wechat.times_sent(code), 1);
        }
    }

    async fn code_in_flight_is_either_a_login_or_a_proof(app: TestApp) {
        let other = app.another_node().await;
        let alice = app.log_in("alice.1").await;
        let slow = || Reply::After(Duration::from_millis(400), Box::new(Reply::user("o_alice")));
        for code in ["slow.1", "slow.2"] {
            app.wechat.reply(code, slow());
        }
        let (anonymous, elsewhere) = (app.anonymous(), other.with_token(&alice.token));
        let login = tokio::spawn(async move { anonymous.login("slow.1").await });
        wait_until(|| app.wechat.times_sent("slow.1") > 0).await;
        assert_eq!(delete(&elsewhere, "slow.1").await.code(), "CODE_USED");
        login.await.unwrap().data();
        let proof = tokio::spawn(async move { delete(&elsewhere, "slow.2").await });
        wait_until(|| app.wechat.times_sent("slow.2") > 0).await;
        assert_eq!(app.anonymous().login("slow.2").await.code(), "CODE_USED");
        proof.await.unwrap().data();
        assert_eq!((app.wechat.times_sent("slow.1"), app.wechat.times_sent("slow.2")), (1, 1));
    }

    async fn due_account_is_deleted_on_every_node_and_its_person_registers_anew(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let there = other.listen().await;
        delete(&app.log_in("alice.1").await.client, "alice.2").await.data();
        app.clock.advance(GRACE.saturating_sub(Duration::from_secs(1)));
        let (alice, bob) = (app.log_in("alice.3").await, app.log_in("bob").await);
        app.accounts.purge_accounts().await.unwrap();
        let elsewhere = other.with_token(&alice.token);
        elsewhere.me().await.data();
        let mut subscriber = Subscriber::subscribed(&there.address, &alice.token).await;
        app.clock.advance(Duration::from_secs(1));
        app.accounts.purge_accounts().await.unwrap();
        assert_eq!(alice.client.me().await.code(), "UNAUTHENTICATED");
        assert_eq!(wait_until_refused(&elsewhere).await.code(), "UNAUTHENTICATED");
        assert_eq!(subscriber.next_event().await["reason"], "DELETED");
        assert_eq!(app.anonymous().refresh(&alice.refresh_token).await.code(), "UNAUTHENTICATED");
        bob.client.me().await.data();
        let gone = bob.client.graphql("query($id: ID!) { user(id: $id) { id } }", json!({ "id": alice.user_id })).await;
        assert_eq!(gone.data()["user"], Value::Null);
        let again = app.log_in("alice.4").await;
        assert_eq!(again.login["isNewUser"], true);
        assert_ne!(again.user_id, alice.user_id);
    }

    async fn several_nodes_delete_due_accounts_concurrently(app: TestApp) {
        let nodes = [app.clone(), app.another_node().await, app.another_node().await];
        for n in 0..12 {
            let user = app.log_in(&format!("user{n}.1")).await;
            app.accounts.schedule_deletion(user_key(&user)).await.unwrap();
        }
        let kept = app.log_in("kept").await;
        app.clock.advance(GRACE);
        let purges = nodes.map(|node| tokio::spawn(async move { node.accounts.purge_accounts().await }));
        for purge in purges {
            purge.await.unwrap().unwrap();
        }
        let left = user::Entity::find().all(&app.db().await).await.unwrap();
        assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [user_key(&kept)]);
        db_assert_consistent(&app).await;
    }

    async fn login_during_the_deletion_leaves_no_session_without_a_user(app: TestApp) {
        let other = app.another_node().await;
        for n in 0..12 {
            let name = format!("user{n}");
            let user = app.log_in(&format!("{name}.1")).await;
            app.accounts.schedule_deletion(user_key(&user)).await.unwrap();
            app.clock.advance(GRACE);
            let (client, node) = (app.anonymous(), other.clone());
            let logins = (0..3).map(|tap| {
                let (client, code) = (client.clone(), format!("{name}.{}", tap + 2));
                tokio::spawn(async move { client.login(&code).await })
            });
            let logins: Vec<_> = logins.collect();
            let purge = tokio::spawn(async move { node.accounts.purge_accounts().await });
            purge.await.unwrap().unwrap();
            for login in logins {
                let login = login.await.unwrap().data()["login"].clone();
                let me = app.with_token(login["token"].as_str().unwrap()).me().await;
                // an earlier login lost its session to the deletion, and a later one created a new user
                let is_old = login["user"]["id"] == user.user_id.as_str();
                assert_eq!(me.body.get("errors").is_some(), is_old, "{login}");
            }
            db_assert_consistent(&app).await;
        }
    }

    async fn commands_delete_an_account_and_end_its_sessions(app: TestApp) {
        let alice = app.log_in("alice.1").await;
        let run = admin(&app, &["end-sessions", &alice.user_id]).await;
        assert_eq!((run.code, run.stdout.starts_with("Ended ")), (Some(0), true), "{run:?}");
        let alice = app.log_in("alice.2").await;
        let run = admin(&app, &["delete", &alice.user_id]).await;
        assert_eq!((run.code, run.stdout.contains("will be deleted at")), (Some(0), true), "{run:?}");
        assert_eq!(status(&alice.client).await["status"], "DELETING");
        let run = admin(&app, &["delete", &alice.user_id, "--now"]).await;
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(alice.client.me().await.code(), "UNAUTHENTICATED");
        for command in ["delete", "end-sessions", "export"] {
            let run = admin(&app, &[command, &alice.user_id]).await;
            assert_eq!((run.code, run.stderr.contains(&alice.user_id)), (Some(1), true), "{run:?}");
        }
    }
}

/// Asserts that every session, identity and unionid has its user.
pub(crate) async fn db_assert_consistent(app: &TestApp) {
    let db = app.db().await;
    let users: Vec<_> = user::Entity::find().all(&db).await.unwrap().into_iter().map(|row| row.id).collect();
    for row in session::Entity::find().all(&db).await.unwrap() {
        assert!(users.contains(&row.user_id), "{row:?}");
    }
    for row in identity::Entity::find().all(&db).await.unwrap() {
        assert!(users.contains(&row.user_id), "{row:?}");
    }
    for row in entity::union_link::Entity::find().all(&db).await.unwrap() {
        assert!(users.contains(&row.user_id), "{row:?}");
    }
    db.close().await.unwrap();
}
