//! Several nodes on one database: each caches sessions, and invalidates them in time when another node changes them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use entity::{Timestamp, feed, feed_head, session, user};
use miniaccount::{account::LogoutScope, clock::Clock};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::{BOUND, Client, TestApp, TestUser, session_key, user_key, wait_until_refused};

/// Repeats a request until it is answered from the cache: until a name written directly to the database is not visible.
async fn until_cached(app: &TestApp, client: &Client, user: &TestUser) {
    for round in 0..100 {
        let name = format!("name {round}");
        let before = nickname(client).await;
        rename(app, user, &name).await;
        if nickname(client).await == before {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("the session is never cached");
}

async fn nickname(client: &Client) -> Value {
    client.graphql("{ me { nickname } }", json!({})).await.data()["me"]["nickname"].clone()
}

/// Writes a nickname without an event in the feed.
async fn rename(app: &TestApp, user: &TestUser, name: &str) {
    let update = user::Entity::update_many().col_expr(user::Column::Nickname, Expr::value(name));
    update.filter(user::Column::Id.eq(user_key(user))).exec(&app.db().await).await.unwrap();
}

/// Two nodes that tail the feed, and a user whose session both have cached.
async fn two_nodes_with_a_cached_session(app: &TestApp) -> (TestApp, TestUser, Client, Vec<impl Drop>) {
    let other = app.another_node().await;
    let tasks = vec![app.tail_feed(), other.tail_feed()];
    let alice = app.log_in("alice").await;
    let elsewhere = other.with_token(&alice.token);
    until_cached(app, &alice.client, &alice).await;
    until_cached(app, &elsewhere, &alice).await;
    (other, alice, elsewhere, tasks)
}

/// Whether the client may read the private fields of a user.
async fn can_read_private_fields(client: &Client, user: &TestUser) -> bool {
    let query = format!("{{ user(id: {:?}) {{ status }} }}", user.user_id);
    client.graphql(&query, json!({})).await.body.pointer("/data/user/status") == Some(&json!("ACTIVE"))
}

on_each_database! {
    async fn role_change_reaches_the_other_node(app: TestApp) {
        let (_other, alice, elsewhere, _tasks) = two_nodes_with_a_cached_session(&app).await;
        let bob = app.log_in("bob").await;
        for (role, sees_others) in [(user::Role::Admin, true), (user::Role::User, false)] {
            until_cached(&app, &elsewhere, &alice).await;
            assert!(app.accounts.set_role(user_key(&alice), role).await.unwrap());
            let set = Instant::now();
            // the node that made the change uses it immediately
            assert_eq!(can_read_private_fields(&alice.client, &bob).await, sees_others);
            loop {
                let began = set.elapsed();
                if can_read_private_fields(&elsewhere, &bob).await == sees_others {
                    break;
                }
                assert!(began < BOUND, "{role:?} is not known {began:?} after the change");
                sleep(Duration::from_millis(5)).await;
            }
        }
        // it ends no session
        elsewhere.me().await.data();
    }

    async fn cached_session_that_has_ended_decrypts_binds_and_deletes_nothing(app: TestApp) {
        let (_other, alice, _elsewhere, _tasks) = two_nodes_with_a_cached_session(&app).await;
        // without an event in the feed, the node continues to trust its cache
        let end = session::Entity::update_many()
            .col_expr(session::Column::EndedAt, Expr::value(app.accounts.now()))
            .col_expr(session::Column::EndReason, Expr::value(session::EndReason::Revoked));
        end.filter(session::Column::Id.eq(session_key(&alice))).exec(&app.db().await).await.unwrap();
        alice.client.me().await.data();
        for mutation in [
            "decryptWechatData(input: { rawData: \"{}\", signature: \"00\" }) { userErrors { code } }",
            "bindPhoneNumber(code: \"86-13800000000\") { userErrors { code } }",
            "deleteAccount(code: \"alice.fresh\") { userErrors { code } }",
        ] {
            let refused = alice.client.graphql(&format!("mutation {{ {mutation} }}"), json!({})).await;
            assert_eq!((refused.code(), refused.refusal()), ("UNAUTHENTICATED", "REVOKED"), "{}", refused.text);
        }
    }

    async fn logout_reaches_the_other_node(app: TestApp) {
        let (_other, alice, elsewhere, _tasks) = two_nodes_with_a_cached_session(&app).await;
        alice.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        // the node that ended the session refuses it immediately
        assert_eq!(alice.client.me().await.refusal(), "LOGGED_OUT");
        assert_eq!(wait_until_refused(&elsewhere).await.refusal(), "LOGGED_OUT");
    }

    async fn every_end_of_a_session_reaches_the_other_node(app: TestApp) {
        let other = app.another_node_with(&[("FILE", "sessions_per_user = 2")]).await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let refresh = async |token: &str| other.anonymous().refresh(token).await;
        for (name, reason) in
            [("a", "LOGGED_OUT"), ("b", "REVOKED"), ("c", "REUSED"), ("d", "REPLACED"), ("e", "EVICTED")]
        {
            let login = app.anonymous().login_with(json!({ "code": name, "device": { "id": "phone" } })).await;
            let login = &login.data()["login"];
            let here = app.with_token(login["token"].as_str().unwrap());
            here.me().await.data();
            let there = other.with_token(login["token"].as_str().unwrap());
            match reason {
                "LOGGED_OUT" => drop(there.graphql("mutation { logout(scope: ALL) { __typename } }", json!({})).await),
                "REVOKED" => {
                    let query = "mutation($id: ID!) { revokeSession(sessionId: $id) { __typename } }";
                    there.graphql(query, json!({ "id": login["session"]["id"] })).await.data();
                }
                "REUSED" => {
                    let first = login["refreshToken"].as_str().unwrap();
                    let second = refresh(first).await.data()["refreshSession"]["refreshToken"].clone();
                    refresh(second.as_str().unwrap()).await.data();
                    assert_eq!(refresh(first).await.refusal(), "REUSED");
                }
                "REPLACED" => {
                    let again = json!({ "code": format!("{name}.again"), "device": { "id": "phone" } });
                    other.anonymous().login_with(again).await.data();
                }
                _ => {
                    for n in 0..2 {
                        // the oldest session is evicted first, and the keys of one millisecond have no order
                        app.clock.advance(Duration::from_millis(1));
                        other.anonymous().login(&format!("{name}.{n}")).await.data();
                    }
                }
            }
            assert_eq!(wait_until_refused(&here).await.refusal(), reason);
        }
    }

    async fn feed_names_only_the_ended_sessions(app: TestApp) {
        let sessions = [app.log_in("alice.1").await, app.log_in("alice.2").await, app.log_in("alice.3").await];
        let logout = "mutation { logout(scope: OTHERS) { endedSessions } }";
        sessions[1].client.graphql(logout, json!({})).await.data();
        let ended = feed::Entity::find().all(&app.db().await).await.unwrap();
        let ended: BTreeSet<_> = ended.into_iter().map(|row| row.session_id.unwrap()).collect();
        assert_eq!(ended, BTreeSet::from([session_key(&sessions[0]), session_key(&sessions[2])]));
        // a second logout ends nothing and adds no event
        sessions[1].client.graphql(logout, json!({})).await.data();
        assert_eq!(feed::Entity::find().count(&app.db().await).await.unwrap(), 2);
    }

    async fn concurrent_endings_leave_no_gaps_in_the_positions(app: TestApp) {
        let mut logouts = Vec::new();
        for n in 0..40 {
            let user = app.log_in(&format!("user{n}")).await;
            logouts.push(tokio::spawn(async move {
                user.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data().clone()
            }));
        }
        for logout in logouts {
            assert_eq!(logout.await.unwrap()["logout"]["endedSessions"], 1);
        }
        let db = app.db().await;
        let heads = feed_head::Entity::find().all(&db).await.unwrap();
        assert_eq!(heads.iter().map(|head| head.position).sum::<i64>(), 40);
        for head in heads {
            let rows = feed::Entity::find().filter(feed::Column::Lane.eq(head.lane)).all(&db).await.unwrap();
            let mut positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
            positions.sort_unstable();
            assert_eq!(positions, (1..=head.position).collect::<Vec<_>>());
        }
    }

    async fn database_is_read_while_the_feed_is_unreadable(app: TestApp) {
        let (_other, alice, elsewhere, _tasks) = two_nodes_with_a_cached_session(&app).await;
        let db = app.db().await;
        db.execute_unprepared("ALTER TABLE feed_heads RENAME TO feed_heads_away").await.unwrap();
        sleep(BOUND).await;
        rename(&app, &alice, "uncached").await;
        assert_eq!(nickname(&elsewhere).await, "uncached");
        db.execute_unprepared("ALTER TABLE feed_heads_away RENAME TO feed_heads").await.unwrap();
        until_cached(&app, &elsewhere, &alice).await;
    }

    async fn cached_session_is_refused_once_its_token_expired(app: TestApp, [("ACCESS_TOKEN_TTL", "1m")]) {
        let _task = app.tail_feed();
        let alice = app.log_in("alice").await;
        until_cached(&app, &alice.client, &alice).await;
        app.clock.advance(Duration::from_secs(61));
        // also after the feed was read at the new time, when the cache may be used again
        for _ in 0..10 {
            assert_eq!(alice.client.me().await.refusal(), "EXPIRED");
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn nobody_is_authenticated_without_feed_and_database(app: TestApp) {
        let (_other, _alice, elsewhere, _tasks) = two_nodes_with_a_cached_session(&app).await;
        app.store.unmigrate().await.unwrap();
        let answer = wait_until_refused(&elsewhere).await;
        assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR");
        assert_eq!(answer.body["data"]["me"], Value::Null);
    }

    async fn gap_in_the_feed_invalidates_the_whole_cache(app: TestApp) {
        let (_other, alice, elsewhere, _tasks) = two_nodes_with_a_cached_session(&app).await;
        rename(&app, &alice, "after the gap").await;
        let lane = feed::lane_of(user_key(&alice));
        let skipped = feed_head::Entity::update_many().col_expr(feed_head::Column::Position, Expr::value(1000_i64));
        skipped.filter(feed_head::Column::Lane.eq(lane)).exec(&app.db().await).await.unwrap();
        sleep(BOUND).await;
        assert_eq!(nickname(&elsewhere).await, "after the gap");
        // a head that went back does the same
        until_cached(&app, &elsewhere, &alice).await;
        rename(&app, &alice, "restored").await;
        let back = feed_head::Entity::update_many().col_expr(feed_head::Column::Position, Expr::value(3_i64));
        back.filter(feed_head::Column::Lane.eq(lane)).exec(&app.db().await).await.unwrap();
        sleep(BOUND).await;
        assert_eq!(nickname(&elsewhere).await, "restored");
    }

    async fn moved_clock_admits_no_ended_session(app: TestApp) {
        let (_other, alice, elsewhere, tasks) = two_nodes_with_a_cached_session(&app).await;
        // a read right after the clock moved would renew the lease with the new time
        drop(tasks);
        app.clock.advance(Duration::from_mins(10));
        app.accounts.logout(&alice.token, LogoutScope::Current).await.unwrap();
        // the cached sessions have a lease by the old time
        assert_eq!(elsewhere.me().await.refusal(), "LOGGED_OUT");
    }

    async fn refused_session_stays_refused(app: TestApp) {
        let (_other, alice, elsewhere, tasks) = two_nodes_with_a_cached_session(&app).await;
        // no node reads the end, and the last lease is still valid
        drop(tasks);
        app.accounts.logout(&alice.token, LogoutScope::Current).await.unwrap();
        // a clock that is briefly wrong suspends the lease for that time
        app.clock.advance(Duration::from_mins(10));
        assert_eq!(elsewhere.me().await.refusal(), "LOGGED_OUT");
        app.clock.set_back(Duration::from_mins(10));
        assert_eq!(elsewhere.me().await.refusal(), "LOGGED_OUT");
    }

    // a replica that takes over may have lost rows that were read, and may have others at their positions
    async fn cache_from_before_the_feed_was_lost_is_invalidated(app: TestApp) {
        let (_other, alice, elsewhere, _tasks) = two_nodes_with_a_cached_session(&app).await;
        let db = app.db().await;
        db.execute_unprepared("ALTER TABLE feed_heads RENAME TO feed_heads_away").await.unwrap();
        sleep(BOUND).await;
        let end = session::Entity::update_many()
            .col_expr(session::Column::EndedAt, Expr::value(app.clock.now()))
            .col_expr(session::Column::EndReason, Expr::value("REVOKED"));
        end.filter(session::Column::Id.eq(session_key(&alice))).exec(&db).await.unwrap();
        db.execute_unprepared("ALTER TABLE feed_heads_away RENAME TO feed_heads").await.unwrap();
        sleep(BOUND).await;
        assert_eq!(elsewhere.me().await.refusal(), "REVOKED");
    }

    async fn last_uses_are_written_in_batches_once_a_minute(app: TestApp) {
        let _task = app.tail_feed();
        let users = [app.log_in("alice").await, app.log_in("bob").await];
        let logged_in = app.clock.now();
        app.clock.advance(Duration::from_secs(61));
        for user in &users {
            user.client.me().await.data();
            user.client.me().await.data();
            assert_eq!(app.db_session(user).await.last_used_at, logged_in);
        }
        app.accounts.flush_last_used().await.unwrap();
        for user in &users {
            assert_eq!(app.db_session(user).await.last_used_at, app.clock.now());
        }
        app.clock.advance(Duration::from_secs(30));
        users[0].client.me().await.data();
        app.accounts.flush_last_used().await.unwrap();
        assert_ne!(app.db_session(&users[0]).await.last_used_at, app.clock.now());
    }

    async fn old_rows_are_removed_and_live_sessions_stay(app: TestApp) {
        let (gone, kept, fresh) = (app.log_in("gone").await, app.log_in("kept").await, app.log_in("fresh").await);
        app.accounts.logout(&gone.token, LogoutScope::Current).await.unwrap();
        app.clock.advance(Duration::from_hours(6 * 24));
        app.accounts.logout(&fresh.token, LogoutScope::Current).await.unwrap();
        app.clock.advance(Duration::from_hours(2 * 24));
        app.accounts.purge().await.unwrap();
        let left = session::Entity::find().all(&app.db().await).await.unwrap();
        let left: BTreeSet<_> = left.into_iter().map(|row| row.id).collect();
        assert_eq!(left, BTreeSet::from([session_key(&kept), session_key(&fresh)]));
        assert_eq!(feed::Entity::find().count(&app.db().await).await.unwrap(), 0);
        // expired for more than a week
        app.clock.advance(Duration::from_hours(30 * 24));
        app.accounts.purge().await.unwrap();
        assert_eq!(session::Entity::find().count(&app.db().await).await.unwrap(), 0);
    }

    async fn several_nodes_remove_old_rows_concurrently(app: TestApp) {
        let user = app.log_in("alice").await;
        let row = app.db_session(&user).await;
        let rows = (0..1200).map(|n: u128| {
            let id = entity::SessionId(uuid::Uuid::from_u128(n));
            session::ActiveModel::from(session::Model { id, expires_at: Timestamp(1), ..row.clone() })
        });
        for rows in rows.collect::<Vec<_>>().chunks(200) {
            let rows = rows.iter().cloned().map(sea_orm::ActiveModelTrait::reset_all);
            session::Entity::insert_many(rows).exec_without_returning(&app.db().await).await.unwrap();
        }
        let others = [app.another_node().await, app.another_node().await];
        let (a, b, c) = tokio::join!(app.accounts.purge(), others[0].accounts.purge(), others[1].accounts.purge());
        for outcome in [a, b, c] {
            outcome.unwrap();
        }
        assert_eq!(session::Entity::find().count(&app.db().await).await.unwrap(), 1);
    }
}

on_each_empty_database! {
    async fn repeated_request_needs_no_statement(database: Arc<TestDatabase>) {
        let app = TestApp::start(&database, &[]).await;
        let _task = app.tail_feed();
        let alice = app.log_in("alice").await;
        until_cached(&app, &alice.client, &alice).await;
        let before = app.store.statements();
        let mut statements = 0;
        for _ in 0..100 {
            alice.client.me().await.data();
            statements = app.store.statements() - before;
        }
        // on a busy machine the lease may expire now and then; without a cache there would be a hundred statements
        assert!(statements < 10, "{statements} statements");
        app.store.clone().close().await.ok();
    }
}
