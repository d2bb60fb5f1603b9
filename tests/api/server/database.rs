//! A database that goes away and comes back: at most one request notices.

use sea_orm::ConnectionTrait;

use crate::harness::{Kind, TestApp, TestDatabase, db_lines};

on_each_empty_database! {
    async fn connections_that_the_database_cut_are_noticed_by_one_request_at_most(database: Arc<TestDatabase>) {
        let app = TestApp::start(&database, &[]).await;
        let alice = app.log_in("alice").await;
        open_many_connections(&app).await;
        db_cut_all_connections(&database).await;
        let mut failed = 0;
        for _ in 0..20 {
            let answer = alice.client.me().await;
            if answer.body.get("errors").is_some() {
                assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR", "{}", answer.text);
                failed += 1;
            }
        }
        assert!(failed <= 1, "{failed} of 20 requests failed");
        app.log_in("bob").await;
        app.accounts.store.clone().close().await.unwrap();
    }
}

/// Requests at the same moment, so that there is more than one connection to lose.
async fn open_many_connections(app: &TestApp) {
    let logins = (0..30).map(|n| {
        let app = app.clone();
        tokio::spawn(async move { app.log_in(&format!("user{n}")).await })
    });
    for login in logins.collect::<Vec<_>>() {
        login.await.unwrap();
    }
}

/// As when the server restarts. SQLite has no server.
async fn db_cut_all_connections(database: &TestDatabase) {
    let db = database.db_connect().await;
    match database.kind {
        Kind::Sqlite => {}
        Kind::Postgres => {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            db.execute_unprepared(cut).await.unwrap();
        }
        Kind::MySql => {
            let others = "SELECT CAST(id AS CHAR) AS line FROM information_schema.processlist
                          WHERE db = DATABASE() AND id <> CONNECTION_ID()";
            for other in db_lines(&db, others).await {
                db.execute_unprepared(&format!("KILL {other}")).await.unwrap();
            }
        }
    }
    db.close().await.unwrap();
}
