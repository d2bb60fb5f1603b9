//! What is under way on a connection, and when it has had its time. The protocols would let a client stay for ever that
//! asks nothing, or that asks and does not read.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// How long a client may take to read an answer. The longest are the explorer's files, of a megabyte.
const READ: Duration = Duration::from_mins(1);

/// What is under way on one connection.
#[derive(Debug)]
pub(super) struct Activity {
    /// How long nothing may be under way.
    patience: Duration,
    under_way: Mutex<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    /// Requests an answer is made for. That takes its own time, which others bound.
    requests: usize,
    /// Answers the client has not read to the end, by when they were ready; numbered, so that two are two.
    answers: BTreeSet<(Instant, u64)>,
    answered: u64,
    /// When the last of them was done.
    idle: Instant,
}

/// A request that an answer is made for, until it is dropped.
#[derive(Debug)]
pub(super) struct Work {
    activity: Arc<Activity>,
    is_answered: bool,
}

/// An answer that is being read, until it is dropped.
#[derive(Debug)]
pub(super) struct Delivery {
    activity: Arc<Activity>,
    answer: (Instant, u64),
}

impl Activity {
    /// Of a connection that has just been taken.
    pub(super) fn new(patience: Duration) -> Self {
        let under_way = UnderWay { requests: 0, answers: BTreeSet::new(), answered: 0, idle: Instant::now() };
        Self { patience, under_way: Mutex::new(under_way) }
    }

    /// A request came.
    pub(super) fn work(self: &Arc<Self>) -> Work {
        self.under_way().requests += 1;
        Work { activity: Arc::clone(self), is_answered: false }
    }

    /// Ends when the connection has had its time: nothing was under way for so long, or an answer is not read.
    pub(super) async fn over(&self) {
        loop {
            let (now, end) = (Instant::now(), self.under_way().end(self.patience));
            if end.is_some_and(|end| end <= now) {
                return;
            }
            // what comes meanwhile may end sooner
            let again = now + self.patience;
            sleep_until(end.map_or(again, |end| end.min(again))).await;
        }
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        // what is counted is whole between any two lines
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// When the connection has had its time, as far as can be told now.
    fn end(&self, patience: Duration) -> Option<Instant> {
        match self.answers.first() {
            Some((ready, _)) => Some(*ready + READ),
            None => (self.requests == 0).then(|| self.idle + patience),
        }
    }
}

impl Work {
    /// The answer is there, and the client may read it.
    pub(super) fn answered(mut self) -> Delivery {
        self.is_answered = true;
        let mut under_way = self.activity.under_way();
        under_way.requests -= 1;
        under_way.answered += 1;
        let answer = (Instant::now(), under_way.answered);
        under_way.answers.insert(answer);
        Delivery { activity: Arc::clone(&self.activity), answer }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.is_answered {
            let mut under_way = self.activity.under_way();
            under_way.requests -= 1;
            under_way.idle = Instant::now();
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let mut under_way = self.activity.under_way();
        under_way.answers.remove(&self.answer);
        under_way.idle = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);

    impl Activity {
        /// How long the connection has got from now on.
        fn left(&self) -> Option<Duration> {
            self.under_way().end(self.patience).map(|end| end.saturating_duration_since(Instant::now()))
        }
    }

    #[test]
    fn nothing_may_be_under_way_for_so_long_and_an_answer_may_be_read_for_longer() {
        let activity = Arc::new(Activity::new(PATIENCE));
        assert!(activity.left().is_some_and(|left| left <= PATIENCE));
        let (slow, other) = (activity.work(), activity.work());
        assert_eq!(activity.left(), None, "an answer may take its time to be made");
        let slow = slow.answered();
        drop(activity.work().answered());
        let left = activity.left().unwrap();
        assert!(left > PATIENCE && left <= READ, "whatever else is under way: {left:?}");
        drop(other.answered());
        assert!(activity.left().unwrap() <= left);
        drop(slow);
        assert!(activity.left().is_some_and(|left| left <= PATIENCE));
        drop(activity.work());
        assert!(activity.left().is_some_and(|left| left <= PATIENCE), "nobody waits for the answer any more");
    }

    #[tokio::test]
    async fn a_connection_is_over_when_it_has_had_its_time_and_no_sooner() {
        let activity = Arc::new(Activity::new(PATIENCE));
        let work = activity.work();
        assert!(timeout(PATIENCE * 3, activity.over()).await.is_err());
        let done = async {
            sleep(PATIENCE).await;
            drop(work.answered());
            Instant::now()
        };
        let (done, ()) = tokio::join!(done, activity.over());
        assert!(done.elapsed() >= PATIENCE && done.elapsed() < PATIENCE * 20);
    }
}
