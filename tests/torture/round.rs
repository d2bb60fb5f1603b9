//! One session from its login to its end and a second on, watched on every server.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    ending::{Ending, Victim},
    harness::TestApp,
    verdict::Findings,
    watch::{self, Ended, Seen},
};

/// What was seen of one session.
pub(crate) struct Round {
    pub(crate) number: usize,
    pub(crate) ending: Ending,
    /// The server that ended it.
    pub(crate) by: usize,
    /// How many servers must not fail: the first ones.
    pub(crate) steady: usize,
    pub(crate) ended: Instant,
    /// By server.
    pub(crate) asked: Vec<Vec<Seen>>,
    pub(crate) refreshed: Vec<Seen>,
}

impl Round {
    /// Plays it. Only steady servers are asked for more than `me`.
    pub(crate) async fn play(apps: &[TestApp], number: usize, steady: usize) -> Findings {
        let ending = Ending::of(number);
        let (home, by) = (number / 5 % steady, number / 15 % steady);
        let victim = Victim::open(&apps[home], format!("user{number}"), ending).await;
        let ended = Ended::new();
        let watches = apps.iter().map(|app| watch::watch(app.with_token(&victim.token), &ended));
        let renewals = watch::refresh(&apps[..steady], &victim.refresh_token, &ended);
        let (asked, refreshed, ()) = tokio::join!(join_all(watches), renewals, end(&victim, &apps[by], number, &ended));
        let ended = *ended.get().unwrap();
        Findings::of(&Self { number, ending, by, steady, ended, asked, refreshed })
    }
}

/// Ends the session while it is in use.
async fn end(victim: &Victim, app: &TestApp, number: usize, ended: &Ended) {
    let prepared = victim.prepare(app).await;
    // at any point of the servers' rhythm
    sleep(Duration::from_millis(150 + (number as u64 * 37) % 200)).await;
    victim.end(app, prepared).await;
    ended.set(Instant::now()).unwrap();
}
