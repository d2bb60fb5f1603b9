//! Commands of the operator: suspend and reinstate accounts, grant and revoke roles.

use entity::user::Role;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::harness::{Program, ProgramOutput, TestApp, folder, user_key, wait_until_refused};

on_each_database! {
    async fn suspended_user_is_refused_on_every_node(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let (alice, bob) = (app.log_in("alice.1").await, app.log_in("bob").await);
        let elsewhere = other.with_token(&alice.token);
        elsewhere.me().await.data();
        app.log_in("alice.2").await;
        assert_eq!(app.accounts.suspend(user_key(&alice)).await.unwrap(), Some(2));
        assert_eq!(alice.client.me().await.code(), "ACCOUNT_SUSPENDED");
        assert_eq!(wait_until_refused(&elsewhere).await.code(), "ACCOUNT_SUSPENDED");
        assert_eq!(other.anonymous().refresh(&alice.refresh_token).await.code(), "ACCOUNT_SUSPENDED");
        assert_eq!(other.anonymous().login("alice.3").await.code(), "ACCOUNT_SUSPENDED");
        bob.client.me().await.data();
        // the second suspension ends nothing
        assert_eq!(app.accounts.suspend(user_key(&alice)).await.unwrap(), Some(0));
    }

    async fn reinstated_user_can_log_in_again(app: TestApp) {
        let alice = app.log_in("alice.1").await;
        app.accounts.suspend(user_key(&alice)).await.unwrap();
        assert!(app.accounts.reinstate(user_key(&alice)).await.unwrap());
        assert_eq!(alice.client.me().await.refusal(), "SUSPENDED");
        assert_eq!(app.anonymous().refresh(&alice.refresh_token).await.refusal(), "SUSPENDED");
        assert_eq!(app.log_in("alice.2").await.user_id, alice.user_id);
    }

    async fn commands_grant_and_revoke_a_role(app: TestApp) {
        let alice = app.log_in("alice").await;
        for (arguments, role) in
            [(vec!["grant", &alice.user_id, "ADMIN"], "ADMIN"), (vec!["revoke-role", &alice.user_id], "USER")]
        {
            let run = admin(&app, &arguments).await;
            assert_eq!((run.code, run.stdout.contains(&alice.user_id)), (Some(0), true), "{run:?}");
            // the log names the change and the user
            let key = user_key(&alice).0.to_string();
            assert!(run.stderr.contains("set the role") && run.stderr.contains(&key), "{run:?}");
            let me = alice.client.graphql("{ me { role } }", json!({})).await;
            assert_eq!(me.data()["me"]["role"], role);
        }
        for arguments in
            [vec!["grant", "nonsense", "admin"], vec!["revoke-role", "00000000-0000-7000-8000-000000000000"]]
        {
            let run = admin(&app, &arguments).await;
            assert_eq!((run.code, run.stderr.contains(arguments[1])), (Some(1), true), "{run:?}");
        }
        assert_eq!(admin(&app, &["grant", &alice.user_id, "emperor"]).await.code, Some(2));
    }

    async fn suspending_an_unknown_user_fails(app: TestApp) {
        let nobody = entity::UserId(uuid::Uuid::from_u128(1));
        assert_eq!(app.accounts.suspend(nobody).await.unwrap(), None);
        assert!(!app.accounts.reinstate(nobody).await.unwrap());
        assert!(!app.accounts.set_role(nobody, Role::Admin).await.unwrap());
    }

    async fn commands_accept_both_forms_of_the_id(app: TestApp) {
        let alice = app.log_in("alice.1").await;
        let run = admin(&app, &["suspend", &alice.user_id]).await;
        // the program uses the system clock, by which the test's session has long expired
        assert_eq!((run.code, run.stdout.starts_with("Suspended ")), (Some(0), true), "{run:?}");
        assert_eq!(alice.client.me().await.code(), "ACCOUNT_SUSPENDED");
        let run = admin(&app, &["reinstate", &user_key(&alice).0.to_string()]).await;
        assert_eq!(run.code, Some(0), "{run:?}");
        app.log_in("alice.2").await;
        for nobody in ["nonsense", "00000000-0000-7000-8000-000000000000"] {
            let run = admin(&app, &["suspend", nobody]).await;
            assert_eq!((run.code, run.stderr.contains(nobody)), (Some(1), true), "{run:?}");
        }
    }
}

/// Runs `miniaccount admin …` on the database of a server.
pub(crate) async fn admin(app: &TestApp, arguments: &[&str]) -> ProgramOutput {
    admin_with(app, arguments, ("LOG", "info")).await
}

/// The same with a setting.
pub(crate) async fn admin_with(
    app: &TestApp,
    arguments: &[&str],
    setting: (&'static str, &'static str),
) -> ProgramOutput {
    let url = app.database.expose_secret().to_owned();
    let arguments: Vec<String> = ["admin"].iter().chain(arguments).map(|text| (*text).to_owned()).collect();
    let run = move || {
        let folder = folder();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let program = Program::new(folder.path(), &arguments).set("DATABASE_URL", &url).set(setting.0, setting.1);
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        program.set("SECRET_KEY", key).set("WECHAT_APP_ID", "wx1").set("WECHAT_APP_SECRET", "secret").run()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}
