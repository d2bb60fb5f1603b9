//! Runs many concurrent rounds.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{cluster::Cluster, findings::Findings, harness::TestApp, round::Round};

/// The number of rounds: `TORTURE_ROUNDS`, or `default`.
pub(crate) fn rounds(default: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "the test's own setting")]
    let value = std::env::var("TORTURE_ROUNDS").ok();
    value.map_or(default, |rounds| rounds.parse().expect("TORTURE_ROUNDS is a number"))
}

/// Runs `rounds` rounds, `concurrency` at a time. The first `healthy` servers have no faults.
pub(crate) async fn storm(cluster: &Cluster, rounds: usize, concurrency: usize, healthy: usize) -> Findings {
    let apps: Arc<[TestApp]> = cluster.nodes.iter().map(|node| node.app.clone()).collect();
    let (semaphore, mut running) = (Arc::new(Semaphore::new(concurrency)), JoinSet::new());
    for number in 0..rounds {
        let permit = Arc::clone(&semaphore).acquire_owned().await.unwrap();
        let apps = Arc::clone(&apps);
        running.spawn(async move {
            let findings = Round::run(&apps, number, healthy).await;
            drop(permit);
            findings
        });
    }
    let mut all = Findings::default();
    while let Some(findings) = running.join_next().await {
        all.add(findings.unwrap());
    }
    println!("{all}");
    all
}
