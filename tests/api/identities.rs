//! One account, several identities: linked with an unused code, and unlinked except for the last one.

use std::time::Duration;

use entity::{UserId, union_conflict, union_link};
use miniaccount::global_id::GlobalId;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::{
    deletion::db_assert_consistent,
    harness::{ApiResponse, Client, Reply, TestApp, TestUser, wait_until_refused},
};

/// Links the identity that a code proves.
pub(crate) async fn link(client: &Client, code: &str, app_id: &str) -> ApiResponse {
    let query = "mutation($code: String!, $appId: String) { linkIdentity(code: $code, appId: $appId) {
        user { id } identity { id appId } mergeTicket userErrors { code field message } } }";
    client.graphql(query, json!({ "code": code, "appId": app_id })).await
}

async fn unlink(client: &Client, identity: &Value) -> ApiResponse {
    let query =
        "mutation($id: ID!) { unlinkIdentity(identityId: $id) { user { id identities { id } } userErrors { code } } }";
    client.graphql(query, json!({ "id": identity })).await
}

/// Logs in through a mini program as the person with this openid and unionid.
pub(crate) async fn log_in(app: &TestApp, app_id: &str, openid: &str, unionid: Option<&str>) -> TestUser {
    let code = code(app, openid, unionid);
    let login = app.anonymous().login_with(json!({ "code": code, "appId": app_id })).await.data()["login"].clone();
    let text = |pointer: &str| login.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    TestUser {
        client: app.with_token(&text("/token")),
        token: text("/token"),
        refresh_token: text("/refreshToken"),
        user_id: text("/user/id"),
        session_id: text("/session/id"),
        login,
    }
}

/// A new code for a person.
pub(crate) fn code(app: &TestApp, openid: &str, unionid: Option<&str>) -> String {
    let code = format!("{:032x}", u128::from_be_bytes(miniaccount::random::bytes()));
    let reply = Reply::user(openid);
    app.wechat.reply(&code, if let Some(unionid) = unionid { reply.with("unionid", unionid) } else { reply });
    code
}

async fn identities(client: &Client) -> Vec<Value> {
    let answer = client.graphql("{ me { identities { id appId } } }", json!({})).await;
    answer.data()["me"]["identities"].as_array().unwrap().clone()
}

fn key(id: &str) -> UserId {
    GlobalId::user(id).unwrap()
}

on_each_database! {
    async fn linked_identity_logs_in_to_the_account(app: TestApp) {
        let alice = log_in(&app, "wx1", "o_1", None).await;
        let linked = link(&alice.client, &code(&app, "o_2", Some("u_1")), "wx2").await;
        let linked = &linked.data()["linkIdentity"];
        assert_eq!((&linked["identity"]["appId"], &linked["mergeTicket"]), (&json!("wx2"), &Value::Null));
        assert_eq!(linked["user"]["id"], alice.user_id.as_str());
        // linking again changes nothing
        let again = link(&alice.client, &code(&app, "o_2", Some("u_1")), "wx2").await;
        assert_eq!(again.data()["linkIdentity"]["identity"], linked["identity"]);
        assert_eq!(identities(&alice.client).await.len(), 2);
        assert_eq!(log_in(&app, "wx2", "o_2", None).await.user_id, alice.user_id);
        // the unionid is the account's own: no conflict
        assert!(union_conflict::Entity::find().all(&app.db().await).await.unwrap().is_empty());
        // the unionid is stored as with a login
        assert_eq!(log_in(&app, "wx1", "o_3", Some("u_1")).await.user_id, alice.user_id);
    }

    async fn code_is_used_either_by_a_login_or_by_a_link(app: TestApp) {
        let alice = app.log_in("alice.1").await;
        assert_eq!(link(&alice.client, "alice.1", "wx1").await.code(), "CODE_USED");
        link(&alice.client, "other.1", "wx1").await.data();
        assert_eq!(app.anonymous().login("other.1").await.code(), "CODE_USED");
        assert_eq!(link(&alice.client, "other.1", "wx1").await.code(), "CODE_USED");
        assert_eq!(link(&alice.client, "other.2", "wx9").await.code(), "UNKNOWN_APP");
        assert_eq!(
            app.anonymous()
                .graphql("mutation { linkIdentity(code: \"x\") { user { id } } }", json!({}))
                .await
                .refusal(),
            "MISSING"
        );
    }

    async fn identity_of_another_account_is_not_moved_and_gives_a_merge_ticket(app: TestApp) {
        let (alice, bob) = (log_in(&app, "wx1", "o_1", None).await, log_in(&app, "wx2", "o_2", Some("u_2")).await);
        for (openid, unionid, app_id) in [("o_2", None, "wx2"), ("o_3", Some("u_2"), "wx1")] {
            let refused = link(&alice.client, &code(&app, openid, unionid), app_id).await;
            let refused = &refused.data()["linkIdentity"];
            assert_eq!(
                (&refused["userErrors"][0]["code"], &refused["identity"]),
                (&json!("IDENTITY_TAKEN"), &Value::Null)
            );
            assert!(refused["mergeTicket"].as_str().unwrap().len() >= 40);
        }
        assert_eq!(identities(&alice.client).await.len(), 1);
        assert_eq!(log_in(&app, "wx2", "o_2", None).await.user_id, bob.user_id);
        bob.client.me().await.data();
    }

    async fn concurrent_links_give_an_identity_to_one_user(app: TestApp) {
        let (alice, bob) = (log_in(&app, "wx1", "o_1", None).await, log_in(&app, "wx1", "o_2", None).await);
        let links = (0..20).map(|n| {
            let client = if n % 2 == 0 { alice.client.clone() } else { bob.client.clone() };
            let code = code(&app, "o_new", Some("u_new"));
            tokio::spawn(async move { link(&client, &code, "wx2").await.data()["linkIdentity"].clone() })
        });
        let mut outcomes = [Vec::new(), Vec::new()];
        for (n, linked) in links.collect::<Vec<_>>().into_iter().enumerate() {
            outcomes[n % 2].push(linked.await.unwrap()["identity"].is_object());
        }
        let [is_alices, is_bobs] = outcomes.map(|outcome| outcome.contains(&true));
        assert!(is_alices != is_bobs, "exactly one of the two has the identity");
        db_assert_consistent(&app).await;
    }

    async fn unlinking_ends_the_sessions_of_the_identity_and_it_registers_anew(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let alice = log_in(&app, "wx1", "o_1", None).await;
        link(&alice.client, &code(&app, "o_2", None), "wx2").await.data();
        let second = log_in(&app, "wx2", "o_2", None).await;
        let elsewhere = other.with_token(&second.token);
        elsewhere.me().await.data();
        let gone = identities(&alice.client).await.into_iter().find(|it| it["appId"] == "wx2").unwrap();
        let left = unlink(&alice.client, &gone["id"]).await.data()["unlinkIdentity"].clone();
        assert_eq!(left["user"]["identities"].as_array().unwrap().len(), 1);
        assert_eq!(second.client.me().await.refusal(), "UNLINKED");
        assert_eq!(wait_until_refused(&elsewhere).await.refusal(), "UNLINKED");
        alice.client.me().await.data();
        let repeated = unlink(&alice.client, &gone["id"]).await;
        assert_eq!(repeated.data()["unlinkIdentity"]["userErrors"][0]["code"], "NOT_FOUND");
        let again = log_in(&app, "wx2", "o_2", None).await;
        assert_eq!(again.login["isNewUser"], true);
        assert_ne!(again.user_id, alice.user_id);
    }

    async fn concurrent_unlinks_leave_one_identity(app: TestApp) {
        for n in 0..6 {
            let alice = log_in(&app, "wx1", &format!("o_{n}a"), None).await;
            link(&alice.client, &code(&app, &format!("o_{n}b"), None), "wx2").await.data();
            // before either unlink ends the session
            let caller = app.accounts.authenticate(&alice.token).await.unwrap();
            let unlinks = identities(&alice.client).await.into_iter().map(|identity| {
                let (accounts, caller) = (app.accounts.clone(), caller.clone());
                tokio::spawn(async move {
                    let Some(GlobalId::Identity(id)) = GlobalId::decode(identity["id"].as_str().unwrap()) else {
                        panic!()
                    };
                    accounts.unlink_identity(&caller, id).await.unwrap().is_ok()
                })
            });
            let mut done = 0;
            for unlink in unlinks.collect::<Vec<_>>() {
                done += usize::from(unlink.await.unwrap());
            }
            assert_eq!(done, 1, "one is unlinked, and the last one stays");
        }
        let bob = app.log_in("bob").await;
        let own = identities(&bob.client).await;
        let refused = unlink(&bob.client, &own[0]["id"]).await;
        assert_eq!(refused.data()["unlinkIdentity"]["userErrors"][0]["code"], "LAST_IDENTITY");
        let stranger = log_in(&app, "wx1", "o_stranger", None).await;
        let refused = unlink(&stranger.client, &own[0]["id"]).await;
        assert_eq!(refused.data()["unlinkIdentity"]["userErrors"][0]["code"], "NOT_FOUND");
    }

    async fn unlinked_person_with_another_unionid_gets_their_own_account(
        app: TestApp,
        [("FILE", "[open_platforms]\nwx1 = \"one\"\nwx2 = \"two\"")]
    ) {
        let alice = log_in(&app, "wx1", "o_1", Some("u_1")).await;
        for (openid, app_id, unionid) in [("o_2", "wx2", Some("u_2")), ("o_3", "wx1", Some("u_3"))] {
            app.clock.advance(Duration::from_secs(1));
            link(&alice.client, &code(&app, openid, unionid), app_id).await.data();
        }
        let of =
            async |app_id: &str| identities(&alice.client).await.into_iter().rfind(|it| it["appId"] == app_id).unwrap();
        unlink(&alice.client, &of("wx1").await["id"]).await.data();
        assert_eq!(db_unionids(&app).await, ["u_2"]);
        let other = log_in(&app, "wx1", "o_3", Some("u_3")).await;
        assert_ne!(other.user_id, alice.user_id);
        assert_eq!(log_in(&app, "wx1", "o_1", Some("u_1")).await.user_id, alice.user_id);
        assert_eq!(db_unionids(&app).await, ["u_1", "u_2", "u_3"]);
        unlink(&alice.client, &of("wx2").await["id"]).await.data();
        assert_eq!(db_unionids(&app).await, ["u_1", "u_3"]);
    }

    async fn login_during_an_unlink_opens_no_session_for_the_old_user(app: TestApp) {
        for n in 0..10 {
            let alice = log_in(&app, "wx1", &format!("o_{n}a"), None).await;
            let openid = format!("o_{n}b");
            link(&alice.client, &code(&app, &openid, None), "wx2").await.data();
            log_in(&app, "wx2", &openid, None).await;
            let gone = identities(&alice.client).await.into_iter().find(|it| it["appId"] == "wx2").unwrap();
            let logins = (0..3).map(|_| {
                let (app, openid) = (app.clone(), openid.clone());
                tokio::spawn(async move { log_in(&app, "wx2", &openid, None).await })
            });
            let logins: Vec<_> = logins.collect();
            unlink(&alice.client, &gone["id"]).await.data();
            for login in logins {
                let login = login.await.unwrap();
                let me = login.client.me().await;
                assert_eq!(me.body.get("errors").is_some(), login.user_id == alice.user_id, "{}", login.login);
            }
        }
    }

    async fn unionid_conflict_is_recorded_until_the_other_account_is_gone(app: TestApp) {
        let alice = log_in(&app, "wx1", "o_1", Some("u_1")).await;
        log_in(&app, "wx2", "o_2", None).await;
        for _ in 0..2 {
            log_in(&app, "wx2", "o_2", Some("u_1")).await;
        }
        let conflicts = union_conflict::Entity::find().all(&app.db().await).await.unwrap();
        assert_eq!(conflicts.len(), 1, "{conflicts:?}");
        assert!(app.accounts.delete_now(key(&alice.user_id)).await.unwrap());
        assert!(union_conflict::Entity::find().all(&app.db().await).await.unwrap().is_empty());
        // and the unionid is available
        let bob = log_in(&app, "wx2", "o_2", Some("u_1")).await;
        assert_eq!(log_in(&app, "wx1", "o_1", Some("u_1")).await.user_id, bob.user_id);
    }
}

async fn db_unionids(app: &TestApp) -> Vec<String> {
    let links = union_link::Entity::find().all(&app.db().await).await.unwrap();
    let mut unionids: Vec<String> = links.into_iter().map(|link| link.unionid.0).collect();
    unionids.sort();
    unionids
}
