//! One round: a session from its login until a second after its end, with requests to every server.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    ending::{Ending, Victim},
    findings::Findings,
    harness::TestApp,
    watch::{self, Ended, Observation},
};

/// The observations of one session.
pub(crate) struct Round {
    pub(crate) number: usize,
    pub(crate) ending: Ending,
    /// The server that ended it.
    pub(crate) by: usize,
    /// The number of servers without faults: the first ones.
    pub(crate) healthy: usize,
    pub(crate) ended: Instant,
    /// The requests, by server.
    pub(crate) requests: Vec<Vec<Observation>>,
    pub(crate) refreshes: Vec<Observation>,
}

impl Round {
    /// Runs the round. Servers with faults get only `me`.
    pub(crate) async fn run(apps: &[TestApp], number: usize, healthy: usize) -> Findings {
        let ending = Ending::of(number);
        let (home, by) = (number / 5 % healthy, number / 15 % healthy);
        let victim = Victim::open(&apps[home], format!("user{number}"), ending).await;
        let ended = Ended::new();
        let watches = apps.iter().map(|app| watch::watch(app.with_token(&victim.token), &ended));
        let refreshing = watch::refresh(&apps[..healthy], &victim.refresh_token, &ended);
        let ending_it = end(&victim, &apps[by], number, &ended);
        let (requests, refreshes, ()) = tokio::join!(join_all(watches), refreshing, ending_it);
        let ended = *ended.get().unwrap();
        Findings::of(&Self { number, ending, by, healthy, ended, requests, refreshes })
    }
}

/// Ends the session while it is in use.
async fn end(victim: &Victim, app: &TestApp, number: usize, ended: &Ended) {
    let prepared = victim.prepare(app).await;
    // at different points of the servers' feed interval
    sleep(Duration::from_millis(150 + (number as u64 * 37) % 200)).await;
    victim.end(app, prepared).await;
    ended.set(Instant::now()).unwrap();
}
