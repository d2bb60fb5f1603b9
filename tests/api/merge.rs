//! The accounts of one person are merged: the older one stays, and its user answers to both ids.

use std::time::Duration;

use entity::{merge_ticket, merged_user, union_conflict};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::{
    deletion::db_assert_consistent,
    harness::{ApiResponse, Client, TestApp, TestUser, user_key, wait_until_refused},
    identities::{code, link, log_in},
    suspend::admin,
};

async fn merge(client: &Client, ticket: &str) -> ApiResponse {
    let query = "mutation($ticket: String!) { mergeAccounts(ticket: $ticket) {
        user { id nickname locale phoneNumber metadata identities { appId } sessions { totalCount } }
        userErrors { code field } } }";
    client.graphql(query, json!({ "ticket": ticket })).await
}

/// A merge ticket of `caller` for the account of another identity.
async fn ticket(app: &TestApp, caller: &TestUser, app_id: &str, openid: &str) -> String {
    let answer = link(&caller.client, &code(app, openid, None), app_id).await;
    answer.data()["linkIdentity"]["mergeTicket"].as_str().unwrap().to_owned()
}

fn refusal(answer: &ApiResponse) -> &Value {
    &answer.data()["mergeAccounts"]["userErrors"][0]["code"]
}

/// An older account of wx1 and a younger one of wx2.
async fn two_accounts(app: &TestApp, name: &str) -> (TestUser, TestUser) {
    let older = log_in(app, "wx1", &format!("{name}_1"), None).await;
    app.clock.advance(Duration::from_millis(5));
    (older, log_in(app, "wx2", &format!("{name}_2"), None).await)
}

async fn update(client: &Client, input: Value) {
    let query = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }";
    client.graphql(query, json!({ "input": input })).await.data();
}

on_each_database! {
    async fn older_account_stays_and_takes_over_missing_data(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let (older, younger) = two_accounts(&app, "o").await;
        update(&older.client, json!({ "nickname": "Older" })).await;
        update(&younger.client, json!({ "nickname": "Younger", "locale": "en" })).await;
        let bind = "mutation { bindPhoneNumber(code: \"86-13800138000\") { userErrors { code } } }";
        younger.client.graphql(bind, json!({})).await.data();
        update(&younger.client, json!({ "metadata": { "theme": "dark" } })).await;
        let elsewhere = other.with_token(&younger.token);
        elsewhere.me().await.data();
        let ticket = ticket(&app, &older, "wx2", "o_2").await;
        let merged = merge(&older.client, &ticket).await.data()["mergeAccounts"]["user"].clone();
        assert_eq!(merged["id"], older.user_id.as_str());
        let profile = (&merged["nickname"], &merged["locale"], &merged["phoneNumber"]);
        assert_eq!(profile, (&json!("Older"), &json!("en"), &json!("+8613800138000")));
        assert_eq!(merged["metadata"], json!({ "theme": "dark" }));
        assert_eq!(merged["identities"], json!([{ "appId": "wx1" }, { "appId": "wx2" }]));
        // the caller's session continues, those of the other account end
        older.client.me().await.data();
        assert_eq!(younger.client.me().await.refusal(), "MERGED");
        assert_eq!(wait_until_refused(&elsewhere).await.refusal(), "MERGED");
        assert_eq!(app.anonymous().refresh(&younger.refresh_token).await.refusal(), "MERGED");
        assert_eq!(log_in(&app, "wx2", "o_2", None).await.user_id, older.user_id);
        assert_eq!(refusal(&merge(&older.client, &ticket).await), "TICKET_USED");
        db_assert_consistent(&app).await;
    }

    async fn caller_with_the_younger_account_must_log_in_again(app: TestApp) {
        let (older, younger) = two_accounts(&app, "o").await;
        let ticket = ticket(&app, &younger, "wx1", "o_1").await;
        let merged = merge(&younger.client, &ticket).await;
        assert_eq!(merged.data()["mergeAccounts"]["user"]["id"], older.user_id.as_str());
        assert_eq!(younger.client.me().await.refusal(), "MERGED");
        older.client.me().await.data();
        assert_eq!(log_in(&app, "wx2", "o_2", None).await.user_id, older.user_id);
    }

    async fn merged_id_resolves_to_the_remaining_account_through_a_chain(app: TestApp) {
        let (first, second) = two_accounts(&app, "o").await;
        app.clock.advance(Duration::from_secs(1));
        let third = log_in(&app, "wx2", "o_3", None).await;
        let one = ticket(&app, &second, "wx2", "o_3").await;
        merge(&second.client, &one).await.data();
        let two = ticket(&app, &first, "wx2", "o_2").await;
        merge(&first.client, &two).await.data();
        let reader = app.log_in("reader").await;
        let query =
            "query($id: ID!, $ids: [ID!]!) { user(id: $id) { id } users(ids: $ids) { id } node(id: $id) { id } }";
        for gone in [&second, &third] {
            let ids = [&gone.user_id, &reader.user_id, &first.user_id];
            let answer = reader.client.graphql(query, json!({ "id": gone.user_id, "ids": ids })).await;
            let stayed = json!({ "id": first.user_id });
            assert_eq!((&answer.data()["user"], &answer.data()["node"]), (&stayed, &stayed));
            assert_eq!(answer.data()["users"], json!([stayed, { "id": reader.user_id }, stayed]));
        }
        let rows = merged_user::Entity::find().all(&app.db().await).await.unwrap();
        assert!(rows.len() == 2 && rows.iter().all(|row| row.into_user == user_key(&first)), "{rows:?}");
        // deleting the remaining account deletes the merged ids
        assert!(app.accounts.delete_now(user_key(&first)).await.unwrap());
        let answer =
            reader.client.graphql("query($id: ID!) { user(id: $id) { id } }", json!({ "id": third.user_id })).await;
        assert_eq!(answer.data()["user"], Value::Null);
        assert!(merged_user::Entity::find().all(&app.db().await).await.unwrap().is_empty());
    }

    async fn twenty_concurrent_merges_of_two_accounts_are_one(app: TestApp) {
        for is_one_ticket in [true, false] {
            let name = format!("o{is_one_ticket}");
            let (older, _) = two_accounts(&app, &name).await;
            let mut tickets = Vec::new();
            for _ in 0..20 {
                tickets.push(ticket(&app, &older, "wx2", &format!("{name}_2")).await);
            }
            let merges = (0..20).map(|n| {
                let (client, ticket) = (older.client.clone(), tickets[if is_one_ticket { 0 } else { n }].clone());
                tokio::spawn(async move { merge(&client, &ticket).await })
            });
            let mut done = 0;
            for merged in merges.collect::<Vec<_>>() {
                let answer = merged.await.unwrap();
                if answer.data()["mergeAccounts"]["user"].is_object() {
                    done += 1;
                } else {
                    assert_eq!(refusal(&answer), "TICKET_USED");
                }
            }
            assert_eq!(done, 1);
        }
        assert!(merge_ticket::Entity::find().all(&app.db().await).await.unwrap().is_empty());
        db_assert_consistent(&app).await;
    }

    async fn concurrent_merges_in_both_directions_leave_one_account(app: TestApp) {
        let other = app.another_node().await;
        for n in 0..6 {
            let name = format!("o{n}");
            let (older, younger) = two_accounts(&app, &name).await;
            let sides = [(&older, "wx2", format!("{name}_2")), (&younger, "wx1", format!("{name}_1"))];
            let mut merges = Vec::new();
            for (caller, app_id, openid) in &sides {
                let (client, ticket) = (caller.client.clone(), ticket(&app, caller, app_id, openid).await);
                merges.push(async move { merge(&client, &ticket).await });
            }
            let merges: Vec<_> = merges.into_iter().map(tokio::spawn).collect();
            let logins: Vec<_> = (0..4)
                .map(|n| {
                    let (node, openid) = (other.clone(), format!("{name}_{}", n % 2 + 1));
                    tokio::spawn(
                        async move { log_in(&node, if n % 2 == 0 { "wx1" } else { "wx2" }, &openid, None).await },
                    )
                })
                .collect();
            for merged in merges {
                // the second caller has lost its session or its ticket
                let answer = merged.await.unwrap();
                assert!(!answer.text.contains("INTERNAL_SERVER_ERROR"), "{}", answer.text);
            }
            for login in logins {
                let login = login.await.unwrap();
                let me = login.client.me().await;
                if login.user_id == older.user_id {
                    me.data();
                } else {
                    assert_eq!(me.refusal(), "MERGED");
                }
            }
            assert_eq!(log_in(&app, "wx2", &format!("{name}_2"), None).await.user_id, older.user_id);
        }
        db_assert_consistent(&app).await;
    }

    async fn ticket_is_valid_for_its_owner_and_expires(app: TestApp) {
        let (older, younger) = two_accounts(&app, "o").await;
        let ticket = ticket(&app, &older, "wx2", "o_2").await;
        let stranger = app.log_in("stranger").await;
        for (client, text) in
            [(&stranger.client, ticket.as_str()), (&younger.client, &ticket), (&older.client, "nonsense")]
        {
            assert_eq!(refusal(&merge(client, text).await), "TICKET_USED");
        }
        app.clock.advance(Duration::from_mins(10));
        assert_eq!(refusal(&merge(&older.client, &ticket).await), "TICKET_USED");
        app.accounts.purge().await.unwrap();
        assert!(merge_ticket::Entity::find().all(&app.db().await).await.unwrap().is_empty());
    }

    async fn suspended_or_leaving_account_is_not_merged(app: TestApp) {
        let (older, younger) = two_accounts(&app, "o").await;
        let ticket = ticket(&app, &older, "wx2", "o_2").await;
        app.accounts.schedule_deletion(user_key(&younger)).await.unwrap();
        assert_eq!(refusal(&merge(&older.client, &ticket).await), "NOT_ACTIVE");
        app.store.user_cancel_deletion(user_key(&younger), app.accounts.now()).await.unwrap();
        app.accounts.suspend(user_key(&younger)).await.unwrap();
        assert_eq!(refusal(&merge(&older.client, &ticket).await), "NOT_ACTIVE");
        app.accounts.reinstate(user_key(&younger)).await.unwrap();
        // the refusals consumed nothing, not even the ticket
        let merged = merge(&older.client, &ticket).await;
        assert_eq!(merged.data()["mergeAccounts"]["user"]["id"], older.user_id.as_str());
    }

    async fn commands_list_a_conflict_and_resolve_it_by_a_merge(app: TestApp) {
        let alice = log_in(&app, "wx1", "TheOpenid", Some("TheUnionid")).await;
        log_in(&app, "wx2", "o_2", None).await;
        let bob = log_in(&app, "wx2", "o_2", Some("TheUnionid")).await;
        assert_ne!(alice.user_id, bob.user_id);
        let run = admin(&app, &["conflicts"]).await;
        assert_eq!(run.code, Some(0), "{run:?}");
        for words in [&*alice.user_id, &bob.user_id, "wx2", "1 conflict(s)"] {
            assert!(run.stdout.contains(words), "{run:?}");
        }
        assert!(!run.stdout.contains("TheUnionid") && !run.stdout.contains("TheOpenid"), "{run:?}");
        let arguments = ["merge", &alice.user_id, &bob.user_id];
        let preview = admin(&app, &arguments).await;
        assert!(preview.code == Some(0) && preview.stdout.contains("--yes"), "{preview:?}");
        alice.client.me().await.data();
        let run = admin(&app, &[&arguments[..], &["--yes"]].concat()).await;
        assert!(run.code == Some(0) && run.stdout.starts_with("Merged "), "{run:?}");
        // the operator chooses which account stays, whichever is older
        assert_eq!(log_in(&app, "wx1", "TheOpenid", None).await.user_id, bob.user_id);
        let run = admin(&app, &["conflicts"]).await;
        assert!(run.stdout.starts_with("0 conflict(s)"), "{run:?}");
        assert!(union_conflict::Entity::find().all(&app.db().await).await.unwrap().is_empty());
        let run = admin(&app, &["merge", &bob.user_id, &bob.user_id, "--yes"]).await;
        assert_eq!(run.code, Some(1), "{run:?}");
    }
}
