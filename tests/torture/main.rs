//! Tests the guarantee that every server refuses an ended session within a second. Three servers share one PostgreSQL,
//! and thousands of sessions end during requests to all three; also while a server loses the database or the feed, or
//! its clock changes. Runs if `TEST_POSTGRES_URL` names a server.
//!
//! The servers are called in process, because sockets would take too much time on a small machine.

#![cfg(test)]

#[path = "../api/harness"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod harness {
    mod app;
    mod clock;
    mod database;
    mod fake_wechat;
    mod log;
    mod proxy;
    mod response;

    pub(crate) use app::{AbortOnDrop, Client, TestApp, TestUser};
    pub(crate) use clock::ManualClock;
    pub(crate) use database::{DatabaseKind, TestDatabase, database_url};
    pub(crate) use fake_wechat::FakeWechat;
    pub(crate) use proxy::{Proxy, ProxyMode};
    pub(crate) use response::ApiResponse;
}

mod cluster;
mod ending;
mod faults;
mod findings;
mod memory;
mod outage;
mod round;
mod storm;
mod watch;

use std::time::Duration;

use cluster::{Cluster, Proxied};
use storm::{rounds, storm};

/// Concurrent rounds: as many as two cores can run with prompt responses.
const CONCURRENCY: usize = 80;

/// How long any server may still accept a session after its end.
const BOUND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_session_is_refused_on_every_node_within_a_second() {
    cluster::run(Proxied::None, async |cluster: &Cluster| {
        storm(cluster, rounds(1000), CONCURRENCY, 3).await.assert_guarantee();
    })
    .await;
}
