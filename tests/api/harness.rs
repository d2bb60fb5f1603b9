//! The test harness: servers, databases, clients, and a fake WeChat.

mod app;
mod bound;
mod catalogue;
mod clock;
mod database;
mod fake_wechat;
mod introspection;
mod log;
mod program;
#[expect(dead_code, reason = "tests/torture/ uses the rest of it")]
mod proxy;
mod redis;
mod response;
mod rows;
mod subscriber;
mod wait;

pub(crate) use app::{Client, Settings, TestApp, TestUser, config};
pub(crate) use bound::{BOUND, wait_until_refused};
pub(crate) use catalogue::{db_catalogue, db_lines, db_tables};
pub(crate) use clock::ManualClock;
pub(crate) use database::{DatabaseKind, TestDatabase, database_url};
pub(crate) use fake_wechat::{FakeWechat, PHONE, Reply, TOKEN};
pub(crate) use introspection::{Field, Type};
pub(crate) use log::Log;
pub(crate) use program::{Program, ProgramOutput, ServerProcess, folder};
pub(crate) use proxy::{Proxy, ProxyMode};
pub(crate) use redis::{TestRedis, random_address};
pub(crate) use response::ApiResponse;
pub(crate) use rows::{session_key, user_key};
pub(crate) use subscriber::{EVENTS, Subscriber};
pub(crate) use wait::wait_until;

use std::{future::Future, panic::resume_unwind, sync::Arc};

/// Runs a test on each database. Settings that differ from the defaults are in brackets.
macro_rules! on_each_database {
    ($(async fn $name:ident($app:ident: TestApp $(, [$($setting:expr),* $(,)?])?) $body:block)+) => {$(
        async fn $name($app: $crate::harness::TestApp) $body

        mod $name {
            const SETTINGS: $crate::harness::Settings = &[$($($setting),*)?];

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::harness::run($crate::harness::DatabaseKind::Sqlite, SETTINGS, super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::harness::run($crate::harness::DatabaseKind::Postgres, SETTINGS, super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mysql() {
                $crate::harness::run($crate::harness::DatabaseKind::MySql, SETTINGS, super::$name).await;
            }
        }
    )+};
}

/// The same for tests that need only a new, empty database, and start servers themselves.
macro_rules! on_each_empty_database {
    ($(async fn $name:ident($database:ident: Arc<TestDatabase>) $body:block)+) => {$(
        async fn $name($database: std::sync::Arc<$crate::harness::TestDatabase>) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::harness::run_on_empty($crate::harness::DatabaseKind::Sqlite, super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::harness::run_on_empty($crate::harness::DatabaseKind::Postgres, super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mysql() {
                $crate::harness::run_on_empty($crate::harness::DatabaseKind::MySql, super::$name).await;
            }
        }
    )+};
}

/// Runs tests that do not depend on the kind of the database, on SQLite only.
macro_rules! on_any_database {
    ($(async fn $name:ident($app:ident: TestApp $(, [$($setting:expr),* $(,)?])?) $body:block)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            const SETTINGS: $crate::harness::Settings = &[$($($setting),*)?];
            async fn scenario($app: $crate::harness::TestApp) $body
            $crate::harness::run($crate::harness::DatabaseKind::Sqlite, SETTINGS, scenario).await;
        }
    )+};
}

/// Runs a test with a server on a database of its own.
pub(crate) async fn run<F>(kind: DatabaseKind, settings: Settings, scenario: impl FnOnce(TestApp) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let scenario = async move |database: Arc<TestDatabase>| {
        let app = TestApp::start(&database, settings).await;
        let store = app.store.clone();
        let outcome = tokio::spawn(scenario(app)).await;
        store.close().await.ok();
        if let Err(failed) = outcome {
            resume_unwind(failed.into_panic());
        }
    };
    run_on_empty(kind, scenario).await;
}

/// Runs a test on a new database, which is dropped even if the test fails.
pub(crate) async fn run_on_empty<F>(kind: DatabaseKind, scenario: impl FnOnce(Arc<TestDatabase>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(database) = TestDatabase::create(kind).await.map(Arc::new) else {
        eprintln!("skipped: {} is not set", kind.variable());
        return;
    };
    let outcome = tokio::spawn(scenario(Arc::clone(&database))).await;
    database.remove().await;
    if let Err(failed) = outcome {
        resume_unwind(failed.into_panic());
    }
}
