//! Checks the observations against the guarantee.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crate::{
    BOUND,
    round::Round,
    watch::{Observation, Verdict},
};

/// Errors of requests on a slow machine.
const SLOW: [&str; 3] = ["no response", "OVERLOADED", "TIMEOUT"];

/// The findings of one round, or of all rounds.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// From the end to the last successful response, by round.
    delays: Vec<Duration>,
    requests: usize,
    /// Requests that began after the end and succeeded, which shows that the cache is in use.
    admitted_after: usize,
    /// Requests to healthy servers that failed because the machine is slow.
    slow: usize,
    faults: Vec<String>,
}

impl Findings {
    pub(crate) fn of(round: &Round) -> Self {
        let requests = || round.requests.iter().flatten();
        let since_end = |time: Instant| time.saturating_duration_since(round.ended);
        let last = requests().filter(|it| it.is_admitted()).map(|it| since_end(it.responded)).max();
        let mut faults = Vec::new();
        for (node, observations) in round.requests.iter().enumerate() {
            faults.extend(faults_of(round, node, observations).map(|fault| describe(round, node, &fault)));
        }
        let refreshed = round.refreshes.iter().filter(|it| it.is_admitted() && it.began > round.ended);
        faults.extend(refreshed.map(|it| describe(round, 0, &format!("refreshed {:?} after", since_end(it.began)))));
        Self {
            delays: vec![last.unwrap_or_default()],
            requests: requests().count() + round.refreshes.len(),
            admitted_after: requests().filter(|it| it.is_admitted() && it.began > round.ended).count(),
            slow: round.requests.iter().take(round.healthy).flatten().filter(|it| is_slow(it)).count(),
            faults,
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.delays.extend(other.delays);
        self.faults.extend(other.faults);
        self.requests += other.requests;
        self.admitted_after += other.admitted_after;
        self.slow += other.slow;
    }

    /// The delay that `per_mille` of the rounds do not exceed.
    fn percentile(&self, per_mille: usize) -> Duration {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        delays.get((delays.len() * per_mille).div_ceil(1000).saturating_sub(1)).copied().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn assert_guarantee(&self) {
        let shown = self.faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.faults.is_empty(), "{} faults:\n{shown}", self.faults.len());
        // otherwise the test proves nothing
        assert!(self.admitted_after > 0, "the cache was never used");
        assert!(self.slow * 10 <= self.requests, "{} of {} requests were too slow", self.slow, self.requests);
    }
}

fn is_slow(observation: &Observation) -> bool {
    matches!(&observation.verdict, Verdict::Failed(code) if SLOW.contains(&code.as_str()))
}

fn describe(round: &Round, node: usize, fault: &str) -> String {
    format!("round {} ({:?} by server {}), server {node}: {fault}", round.number, round.ending, round.by)
}

/// The faults of one server.
fn faults_of(round: &Round, node: usize, all: &[Observation]) -> impl Iterator<Item = String> {
    let first_refused = all.iter().find(|it| matches!(it.verdict, Verdict::Refused(_))).map(|it| it.responded);
    all.iter().filter_map(move |it| {
        let after = it.began.saturating_duration_since(round.ended);
        match &it.verdict {
            Verdict::Admitted if after > BOUND => Some(format!("admitted {after:?} after the end")),
            Verdict::Admitted if first_refused.is_some_and(|refused| it.began > refused) => {
                Some(format!("admitted {after:?} after the end, and after it was refused"))
            }
            Verdict::Admitted if node == round.by && it.began > round.ended => {
                Some(format!("admitted {after:?} after the end on the server that ended it"))
            }
            Verdict::Refused(reason) if reason != round.ending.reason() => Some(format!("refused as {reason}")),
            // timeouts of a slow machine are no fault, because nothing was admitted
            Verdict::Failed(code) if node < round.healthy && !is_slow(it) => Some(format!("failed: {code}")),
            _ => None,
        }
    })
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99, max) = (self.percentile(500), self.percentile(990), self.percentile(1000));
        write!(f, "{} sessions ended during {} requests: ", self.delays.len(), self.requests)?;
        write!(f, "last admitted p50 {p50:.0?}, p99 {p99:.0?}, at most {max:.0?} after the end; ")?;
        write!(f, "{} admitted requests began after it", self.admitted_after)
    }
}
