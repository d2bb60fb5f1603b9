//! A database that closes connections or restarts: no request fails.

use std::{sync::Arc, time::Duration};

use miniaccount::store;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::time::sleep;

use crate::harness::{DatabaseKind, TestApp, TestDatabase, database_url, db_lines, run_on_empty};

on_each_empty_database! {
    async fn broken_connections_fail_no_request(database: Arc<TestDatabase>) {
        let app = TestApp::start(&database, &[]).await;
        let alice = app.log_in("alice").await;
        open_many_connections(&app).await;
        db_cut_all_connections(&database).await;
        for _ in 0..20 {
            alice.client.me().await.data();
        }
        app.log_in("bob").await;
        app.store.clone().close().await.unwrap();
    }

    async fn broken_idle_connections_fail_no_write(database: Arc<TestDatabase>) {
        let app = TestApp::start(&database, &[]).await;
        let mut refresh_token = app.log_in("alice").await.refresh_token;
        for round in 0..12 {
            open_many_connections(&app).await;
            db_cut_all_connections(&database).await;
            // connections that were idle for long, and ones that were just released
            sleep(Duration::from_millis(80 * (round % 2))).await;
            if round % 3 == 0 {
                app.log_in(&format!("alice.{round}")).await;
            }
            let refreshed = app.anonymous().refresh(&refresh_token).await;
            refresh_token = refreshed.data()["refreshSession"]["refreshToken"].as_str().unwrap().to_owned();
        }
        app.store.clone().close().await.unwrap();
    }
}

/// Sends concurrent requests, so that the pool has several connections.
async fn open_many_connections(app: &TestApp) {
    let logins = (0..30).map(|n| {
        let app = app.clone();
        tokio::spawn(async move { app.log_in(&format!("user{n}")).await })
    });
    for login in logins.collect::<Vec<_>>() {
        login.await.unwrap();
    }
}

/// Closes all connections, as a restart of the database server does. SQLite has no server.
async fn db_cut_all_connections(database: &TestDatabase) {
    let db = database.db_connect().await;
    match database.kind {
        DatabaseKind::Sqlite => {}
        DatabaseKind::Postgres => {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            db.execute_unprepared(cut).await.unwrap();
        }
        DatabaseKind::MySql => {
            let others = "SELECT CAST(id AS CHAR) AS line FROM information_schema.processlist
                          WHERE db = DATABASE() AND id <> CONNECTION_ID()";
            for other in db_lines(&db, others).await {
                db.execute_unprepared(&format!("KILL {other}")).await.unwrap();
            }
        }
    }
    db.close().await.unwrap();
}

/// Harmful defaults of a PostgreSQL database.
const HOSTILE_DEFAULTS: [&str; 5] = [
    "default_transaction_isolation = 'serializable'",
    "idle_session_timeout = '300ms'",
    "plan_cache_mode = force_custom_plan",
    "timezone = 'Asia/Shanghai'",
    // last, because it prevents further settings
    "default_transaction_read_only = on",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defaults_of_the_database_are_overridden() {
    run_on_empty(DatabaseKind::Postgres, async |database: Arc<TestDatabase>| {
        let app = TestApp::start(&database, &[]).await;
        let db = database.db_connect().await;
        for default in HOSTILE_DEFAULTS {
            let set = format!("ALTER DATABASE {} SET {default}", database.name());
            db.execute_unprepared(&set).await.unwrap();
        }
        db.close().await.unwrap();
        // new connections begin with these defaults
        let other = app.another_node().await;
        let alice = other.log_in("alice").await;
        let logins = (0..60).map(|n| {
            let (other, alice) = (other.clone(), alice.client.clone());
            tokio::spawn(async move {
                other.log_in(&format!("carol.{n}")).await;
                let update = "mutation($n: String) { updateProfile(input: { nickname: $n }) { user { id } } }";
                alice.graphql(update, json!({ "n": format!("name {n}") })).await.data();
            })
        });
        for login in logins.collect::<Vec<_>>() {
            login.await.unwrap();
        }
        for n in 0..3 {
            sleep(Duration::from_millis(500)).await;
            other.log_in(&format!("bob.{n}")).await;
        }
        other.store.clone().close().await.unwrap();
        app.store.clone().close().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_with_an_incomplete_encoding_is_refused() {
    run_on_empty(DatabaseKind::Postgres, async |database: Arc<TestDatabase>| {
        let narrow = database.create_another(" ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'").await;
        let refused = store::connect(&database_url(&narrow.url), 1).await.unwrap_err().to_string();
        narrow.remove().await;
        assert!(refused.contains("LATIN1") && refused.contains("UTF8"), "{refused}");
    })
    .await;
}
