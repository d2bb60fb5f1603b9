//! What the promise means for what was seen.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crate::{
    BOUND,
    round::Round,
    watch::{Seen, Verdict},
};

/// What one round, or all of them, came to.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// From the end to the last answer that let somebody in, by round.
    delays: Vec<Duration>,
    requests: usize,
    /// Requests that were let in though they began after the end: they show that memory is at work.
    let_in_after: usize,
    faults: Vec<String>,
}

impl Findings {
    pub(crate) fn of(round: &Round) -> Self {
        let asked = || round.asked.iter().flatten();
        let since_end = |moment: Instant| moment.saturating_duration_since(round.ended);
        let last = asked().filter(|seen| seen.is_let_in()).map(|seen| since_end(seen.answered)).max();
        let mut faults = Vec::new();
        for (node, seen) in round.asked.iter().enumerate() {
            faults.extend(faults_of(round, node, seen).map(|fault| name(round, node, &fault)));
        }
        let refreshed = round.refreshed.iter().filter(|seen| seen.is_let_in() && seen.began > round.ended);
        faults.extend(refreshed.map(|seen| name(round, 0, &format!("refreshed {:?} after", since_end(seen.began)))));
        Self {
            delays: vec![last.unwrap_or_default()],
            requests: asked().count() + round.refreshed.len(),
            let_in_after: asked().filter(|seen| seen.is_let_in() && seen.began > round.ended).count(),
            faults,
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.delays.extend(other.delays);
        self.faults.extend(other.faults);
        self.requests += other.requests;
        self.let_in_after += other.let_in_after;
    }

    /// The delay that so many of a thousand rounds do not exceed.
    fn percentile(&self, of_thousand: usize) -> Duration {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        delays.get((delays.len() * of_thousand).div_ceil(1000).saturating_sub(1)).copied().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn keep_the_promise(&self) {
        let shown = self.faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.faults.is_empty(), "{} faults:\n{shown}", self.faults.len());
        assert!(self.percentile(990) <= BOUND, "{self}");
        // else nothing was put to the test
        assert!(self.let_in_after > 0, "memory never answered");
    }
}

fn name(round: &Round, node: usize, fault: &str) -> String {
    format!("round {} ({:?} by server {}), server {node}: {fault}", round.number, round.ending, round.by)
}

/// What one server did wrong.
fn faults_of(round: &Round, node: usize, all: &[Seen]) -> impl Iterator<Item = String> {
    let first_refused = all.iter().find(|seen| matches!(seen.verdict, Verdict::Refused(_))).map(|seen| seen.answered);
    all.iter().filter_map(move |seen| {
        let after = seen.began.saturating_duration_since(round.ended);
        match &seen.verdict {
            Verdict::LetIn if after > BOUND => Some(format!("let in {after:?} after the end")),
            Verdict::LetIn if first_refused.is_some_and(|refused| seen.began > refused) => {
                Some(format!("let in {after:?} after the end, and after it was refused"))
            }
            Verdict::LetIn if node == round.by && seen.began > round.ended => {
                Some(format!("let in {after:?} after the end where it was ended"))
            }
            Verdict::Refused(reason) if reason != round.ending.reason() => Some(format!("refused as {reason}")),
            Verdict::Failed(code) if node < round.steady => Some(format!("failed: {code}")),
            _ => None,
        }
    })
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99, max) = (self.percentile(500), self.percentile(990), self.percentile(1000));
        write!(f, "{} sessions ended in the midst of {} requests: ", self.delays.len(), self.requests)?;
        write!(f, "the last one let in p50 {p50:.0?}, p99 {p99:.0?}, at most {max:.0?} after the end; ")?;
        write!(f, "{} began after it", self.let_in_after)
    }
}
