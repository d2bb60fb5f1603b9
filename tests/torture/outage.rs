//! The database goes away, or its feed, or an answer comes late: whatever a server cannot know, it does not let in.

use std::{ptr, time::Instant};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    BOUND,
    cluster::{self, Cluster, Node, Wired},
    harness::Wire,
    memory::{is_let_in, recovers_for, until_remembered},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_nobody_is_let_in_and_with_it_everybody_who_lives() {
    for wire in [Wire::Cut, Wire::Stalls] {
        cluster::run(Wired::All, async |cluster: &Cluster| stop_and_go_on(cluster, wire).await).await;
    }
}

/// The database goes away for everybody, just after a session was ended, and comes back.
async fn stop_and_go_on(cluster: &Cluster, wire: Wire) {
    let first = &cluster.nodes[0].app;
    let (alice, bob) = (first.log_in("alice").await, first.log_in("bob").await);
    for node in &cluster.nodes {
        until_remembered(cluster, &node.app, &alice).await;
        until_remembered(cluster, &node.app, &bob).await;
    }
    bob.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
    cluster.nodes.iter().for_each(|node| node.wire.set(wire));
    let gone = Instant::now();
    while gone.elapsed() < 3 * BOUND {
        for node in &cluster.nodes {
            for (user, is_over) in [(&alice, false), (&bob, is_first(cluster, node))] {
                let began = gone.elapsed();
                let may_be_let_in = began < BOUND && !is_over;
                assert!(
                    !is_let_in(&node.app, user).await || may_be_let_in,
                    "let in {began:?} after the database was gone"
                );
            }
        }
    }
    cluster.nodes.iter().for_each(|node| node.wire.set(Wire::Passes));
    for node in &cluster.nodes {
        recovers_for(cluster, &node.app, &alice).await;
        assert_eq!(node.app.with_token(&bob.token).me().await.refusal(), "LOGGED_OUT");
    }
}

fn is_first(cluster: &Cluster, node: &Node) -> bool {
    ptr::eq(node, &raw const cluster.nodes[0])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_was_lost_without_a_word_is_found_again() {
    cluster::run(Wired::All, async |cluster: &Cluster| {
        let node = &cluster.nodes[2];
        let alice = node.app.log_in("alice").await;
        until_remembered(cluster, &node.app, &alice).await;
        node.wire.lose();
        sleep(BOUND).await;
        recovers_for(cluster, &node.app, &alice).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_held_up_is_as_old_as_its_question() {
    cluster::run(Wired::Feed, async |cluster: &Cluster| {
        let (first, late) = (&cluster.nodes[0].app, &cluster.nodes[2]);
        let alice = first.log_in("alice").await;
        until_remembered(cluster, &late.app, &alice).await;
        // the next question is asked, and answered as things stand before the end
        late.wire.set(Wire::Withholds);
        sleep(BOUND * 3 / 10).await;
        first.with_token(&alice.token).graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        sleep(BOUND * 11 / 10).await;
        late.wire.set(Wire::Passes);
        // it arrives; the next question is not yet asked. Asked any earlier, the database would have been
        sleep(BOUND / 20).await;
        assert_eq!(late.app.with_token(&alice.token).me().await.refusal(), "LOGGED_OUT");
    })
    .await;
}
