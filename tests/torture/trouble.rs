//! The same storm in trouble: the first two servers are well, and the third one is not.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    cluster::{self, Cluster, Node, Wired},
    harness::Wire,
    memory::recovers,
    storm::storm,
};

/// Rounds in each kind of trouble.
const ROUNDS: usize = 100;

/// Rounds under way at once: fewer, so that servers are not troubled by the storm alone.
const AT_ONCE: usize = 15;

/// A storm in trouble that goes on for as long.
async fn storm_in(cluster: &Cluster, trouble: impl Future<Output = ()>) {
    let findings = tokio::select! {
        findings = storm(cluster, ROUNDS, AT_ONCE, 2) => findings,
        () = trouble => unreachable!("trouble has no end"),
    };
    findings.keep_the_promise();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loses_the_database_again_and_again() {
    cluster::run(Wired::All, async |cluster: &Cluster| {
        storm_in(cluster, lose_again_and_again(&cluster.nodes[2])).await;
        recovers(cluster, &cluster.nodes[2]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loses_the_feed_again_and_again() {
    cluster::run(Wired::Feed, async |cluster: &Cluster| {
        storm_in(cluster, lose_again_and_again(&cluster.nodes[2])).await;
        recovers(cluster, &cluster.nodes[2]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_clock_is_moved_again_and_again() {
    cluster::run(Wired::Nothing, async |cluster: &Cluster| {
        let clock = &cluster.nodes[2].clock;
        let trouble = async {
            for minutes in [10, 0, -10, 0].into_iter().cycle() {
                clock.set(minutes * 60_000);
                sleep(Duration::from_millis(700)).await;
            }
        };
        storm_in(cluster, trouble).await;
        recovers(cluster, &cluster.nodes[2]).await;
    })
    .await;
}

/// The wire stalls, is cut, is well for a while, and loses its connections without a word, for times below and above
/// what a lease lasts.
async fn lose_again_and_again(node: &Node) {
    for round in 0.. {
        let wire = [Wire::Stalls, Wire::Cut][round % 2];
        node.wire.set(wire);
        sleep(Duration::from_millis([300, 1200, 2500][round % 3])).await;
        node.wire.set(Wire::Passes);
        sleep(Duration::from_millis(900)).await;
        if round % 4 == 3 {
            node.wire.lose();
        }
    }
}
