//! The promise put to the test: a session that was ended is dead on every server within a second. Three servers on one
//! PostgreSQL, thousands of sessions, each ended in the midst of requests to all three; and the same while a server
//! loses the database or the feed, or its clock is moved. Runs where `TEST_POSTGRES_URL` names a server.
//!
//! Requests go to the real server in process: on a small machine, sockets would take the time that the storm is to have.

#![cfg(test)]

#[path = "../api/harness"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod harness {
    mod answer;
    mod app;
    mod clock;
    mod database;
    mod proxy;
    mod upstream;

    pub(crate) use answer::Answer;
    pub(crate) use app::{AbortOnDrop, Client, LoggedIn, TestApp};
    pub(crate) use clock::ManualClock;
    pub(crate) use database::{Kind, TestDatabase};
    pub(crate) use proxy::{Proxy, Wire};
    pub(crate) use upstream::Upstream;
}

mod cluster;
mod ending;
mod memory;
mod outage;
mod round;
mod storm;
mod trouble;
mod verdict;
mod watch;

use std::time::Duration;

use cluster::{Cluster, Wired};
use storm::{rounds, storm};

/// Rounds under way at once: as many as two cores bear while answers stay prompt.
const AT_ONCE: usize = 80;

/// How long a session that was ended may still be taken for a living one anywhere.
const BOUND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_ended_is_dead_everywhere_within_a_second() {
    cluster::run(Wired::Nothing, async |cluster: &Cluster| {
        storm(cluster, rounds(1000), AT_ONCE, 3).await.keep_the_promise();
    })
    .await;
}
