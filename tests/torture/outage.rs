//! A server that cannot reach the database or the feed, or gets results late, does not authenticate what it cannot
//! verify.

use std::{
    ptr,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    BOUND,
    cluster::{self, Cluster, Node, Proxied},
    harness::ProxyMode,
    memory::{is_admitted, recovers_for, until_cached},
};

/// How long a client waits for a response during the outage.
const RESPONSE_LIMIT: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outage_refuses_all_sessions_and_recovery_admits_live_ones() {
    for mode in [ProxyMode::Cut, ProxyMode::Stall] {
        cluster::run(Proxied::All, async |cluster: &Cluster| outage_after_logout(cluster, mode).await).await;
    }
}

/// The database is unreachable for all servers just after a session ended, and then reachable again.
async fn outage_after_logout(cluster: &Cluster, mode: ProxyMode) {
    let first = &cluster.nodes[0].app;
    let (alice, bob) = (first.log_in("alice").await, first.log_in("bob").await);
    for node in &cluster.nodes {
        until_cached(cluster, &node.app, &alice).await;
        until_cached(cluster, &node.app, &bob).await;
    }
    bob.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
    cluster.nodes.iter().for_each(|node| node.proxy.set(mode));
    let outage = Instant::now();
    while outage.elapsed() < 3 * BOUND {
        for node in &cluster.nodes {
            for (user, is_known_ended) in [(&alice, false), (&bob, is_first(cluster, node))] {
                let began = outage.elapsed();
                let may_be_admitted = began < BOUND && !is_known_ended;
                assert!(
                    !is_admitted(&node.app, user, RESPONSE_LIMIT).await || may_be_admitted,
                    "admitted {began:?} after the start of the outage"
                );
            }
        }
    }
    cluster.nodes.iter().for_each(|node| node.proxy.set(ProxyMode::Forward));
    for node in &cluster.nodes {
        recovers_for(cluster, &node.app, &alice).await;
        assert_eq!(node.app.with_token(&bob.token).me().await.refusal(), "LOGGED_OUT");
    }
}

fn is_first(cluster: &Cluster, node: &Node) -> bool {
    ptr::eq(node, &raw const cluster.nodes[0])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_recovers_from_silently_lost_connections() {
    cluster::run(Proxied::All, async |cluster: &Cluster| {
        let node = &cluster.nodes[2];
        let alice = node.app.log_in("alice").await;
        until_cached(cluster, &node.app, &alice).await;
        node.proxy.lose_connections();
        sleep(BOUND).await;
        recovers_for(cluster, &node.app, &alice).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lease_counts_from_the_start_of_a_delayed_read() {
    cluster::run(Proxied::Feed, async |cluster: &Cluster| {
        let (first, late) = (&cluster.nodes[0].app, &cluster.nodes[2]);
        let alice = first.log_in("alice").await;
        until_cached(cluster, &late.app, &alice).await;
        // the next read happens before the logout, and its result is held back
        late.proxy.set(ProxyMode::Withhold);
        sleep(BOUND * 3 / 10).await;
        first.with_token(&alice.token).graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        sleep(BOUND * 11 / 10).await;
        late.proxy.set(ProxyMode::Forward);
        // now the result has arrived, and the next read has not begun
        sleep(BOUND / 20).await;
        assert_eq!(late.app.with_token(&alice.token).me().await.refusal(), "LOGGED_OUT");
    })
    .await;
}
