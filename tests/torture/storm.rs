//! Many rounds, many of them at once.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{cluster::Cluster, harness::TestApp, round::Round, verdict::Findings};

/// How many rounds to play: `default`, unless `TORTURE_ROUNDS` says otherwise.
pub(crate) fn rounds(default: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "the test's own setting")]
    let wanted = std::env::var("TORTURE_ROUNDS").ok();
    wanted.map_or(default, |rounds| rounds.parse().expect("TORTURE_ROUNDS is a number"))
}

/// Plays so many rounds, so many of them at once. The first `steady` servers must not fail.
pub(crate) async fn storm(cluster: &Cluster, rounds: usize, at_once: usize, steady: usize) -> Findings {
    let apps: Arc<[TestApp]> = cluster.nodes.iter().map(|node| node.app.clone()).collect();
    let (room, mut playing) = (Arc::new(Semaphore::new(at_once)), JoinSet::new());
    for number in 0..rounds {
        let place = Arc::clone(&room).acquire_owned().await.unwrap();
        let apps = Arc::clone(&apps);
        playing.spawn(async move {
            let findings = Round::play(&apps, number, steady).await;
            drop(place);
            findings
        });
    }
    let mut all = Findings::default();
    while let Some(findings) = playing.join_next().await {
        all.add(findings.unwrap());
    }
    println!("{all}");
    all
}
