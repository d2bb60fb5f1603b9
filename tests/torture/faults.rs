//! The guarantee holds while the third server has faults; the first two are healthy.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    cluster::{self, Cluster, Node, Proxied},
    harness::ProxyMode,
    memory::recovers,
    storm::storm,
};

/// Rounds with each kind of fault.
const ROUNDS: usize = 100;

/// Concurrent rounds: few, so that the load alone causes no timeouts.
const CONCURRENCY: usize = 15;

/// Runs rounds while `fault`, which never ends, disturbs the third server.
async fn storm_during(cluster: &Cluster, fault: impl Future<Output = ()>) {
    let findings = tokio::select! {
        findings = storm(cluster, ROUNDS, CONCURRENCY, 2) => findings,
        () = fault => unreachable!("the fault never ends"),
    };
    findings.assert_guarantee();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guarantee_holds_when_a_server_keeps_losing_the_database() {
    cluster::run(Proxied::All, async |cluster: &Cluster| {
        storm_during(cluster, lose_repeatedly(&cluster.nodes[2])).await;
        recovers(cluster, &cluster.nodes[2]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guarantee_holds_when_a_server_keeps_losing_the_feed() {
    cluster::run(Proxied::Feed, async |cluster: &Cluster| {
        storm_during(cluster, lose_repeatedly(&cluster.nodes[2])).await;
        recovers(cluster, &cluster.nodes[2]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guarantee_holds_when_a_servers_clock_keeps_moving() {
    cluster::run(Proxied::None, async |cluster: &Cluster| {
        let clock = &cluster.nodes[2].clock;
        let fault = async {
            for minutes in [10, 0, -10, 0].into_iter().cycle() {
                clock.set(minutes * 60_000);
                sleep(Duration::from_millis(700)).await;
            }
        };
        storm_during(cluster, fault).await;
        recovers(cluster, &cluster.nodes[2]).await;
    })
    .await;
}

/// Stalls, cuts and repairs the proxy in turn, and silently loses its connections, for times shorter and longer than a
/// lease.
async fn lose_repeatedly(node: &Node) {
    for round in 0.. {
        let mode = [ProxyMode::Stall, ProxyMode::Cut][round % 2];
        node.proxy.set(mode);
        sleep(Duration::from_millis([300, 1200, 2500][round % 3])).await;
        node.proxy.set(ProxyMode::Forward);
        sleep(Duration::from_millis(900)).await;
        if round % 4 == 3 {
            node.proxy.lose_connections();
        }
    }
}
