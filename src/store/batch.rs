//! Batches: what many ask at the same time is asked at once. While the database works on one batch the next one gathers,
//! so nobody waits on purpose, and the more there is to do the less each question costs.

use std::{
    collections::VecDeque,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::{DbErr, RuntimeErr, sqlx};
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{sleep, timeout},
};

use super::doubt;

/// Questions asked at once, at the most.
const MOST: usize = 64;

/// Batches under way at once, at the most.
const RUNS: usize = 4;

/// How long a batch may keep the others waiting. After that they no longer wait for it.
const SLOW: Duration = Duration::from_millis(20);

/// How long a batch may take, waiting for a connection included. One that was cut without a word never answers.
const PATIENCE: Duration = Duration::from_secs(15);

/// The answers to the questions of a batch, in their order.
pub(super) type Answers<A> = BoxFuture<'static, Result<Vec<A>, DbErr>>;

/// Gathers questions of one kind.
pub(super) struct Batches<Q, A>(Arc<Inner<Q, A>>);

struct Inner<Q, A> {
    ask: Box<dyn Fn(Vec<Q>) -> Answers<A> + Send + Sync>,
    /// How long a batch waits for more.
    gather: Duration,
    queue: Mutex<Queue<Q, A>>,
}

struct Queue<Q, A> {
    waiting: VecDeque<Asked<Q, A>>,
    runs: usize,
    /// When a batch last set out.
    last: Instant,
}

struct Asked<Q, A> {
    question: Q,
    tell: oneshot::Sender<Result<A, DbErr>>,
}

impl<Q: Send + 'static, A: Send + 'static> Batches<Q, A> {
    /// Batches whose questions are put to `ask`.
    pub(super) fn new(ask: impl Fn(Vec<Q>) -> Answers<A> + Send + Sync + 'static) -> Self {
        Self::gathering(Duration::ZERO, ask)
    }

    /// The same for questions that nobody waits for: so long, a batch waits for more of them.
    pub(super) fn gathering(gather: Duration, ask: impl Fn(Vec<Q>) -> Answers<A> + Send + Sync + 'static) -> Self {
        let queue = Queue { waiting: VecDeque::new(), runs: 0, last: Instant::now() };
        Self(Arc::new(Inner { ask: Box::new(ask), gather, queue: Mutex::new(queue) }))
    }

    /// The answer to a question, which is asked from now on and not before. Whoever goes away before it is asked is not
    /// asked for; whoever goes away later stops nothing.
    pub(super) async fn ask(&self, question: Q) -> Result<A, DbErr> {
        let (tell, mut told) = oneshot::channel();
        if self.0.queue().push(Asked { question, tell }) {
            tokio::spawn(run(Arc::clone(&self.0)));
        }
        let answer = if let Ok(answer) = timeout(SLOW, &mut told).await {
            answer
        } else {
            if self.0.queue().send() {
                tokio::spawn(run(Arc::clone(&self.0)));
            }
            told.await
        };
        answer.unwrap_or_else(|_| Err(lost("was not answered")))
    }
}

impl<Q, A> Inner<Q, A> {
    fn queue(&self) -> MutexGuard<'_, Queue<Q, A>> {
        // what is queued is whole between any two lines
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q, A> Queue<Q, A> {
    /// Puts a question in line, and tells whether somebody is to be sent for it.
    fn push(&mut self, asked: Asked<Q, A>) -> bool {
        self.waiting.push_back(asked);
        self.send()
    }

    /// Whether somebody is to be sent for what waits, and counts them.
    fn send(&mut self) -> bool {
        let is_slow = || self.runs < RUNS && self.last.elapsed() >= SLOW && !self.waiting.is_empty();
        let send = self.runs == 0 && !self.waiting.is_empty() || is_slow();
        if send {
            self.runs += 1;
            self.last = Instant::now();
        }
        send
    }

    /// The next batch: those who still wait for an answer. `None` where there is none, and the run that asks is over.
    fn next(&mut self) -> Option<Vec<Asked<Q, A>>> {
        self.waiting.retain(|asked| !asked.tell.is_closed());
        if self.waiting.is_empty() {
            self.runs -= 1;
            return None;
        }
        self.last = Instant::now();
        let count = self.waiting.len().min(MOST);
        Some(self.waiting.drain(..count).collect())
    }
}

/// Asks batch after batch until nobody waits.
async fn run<Q, A>(inner: Arc<Inner<Q, A>>) {
    loop {
        if inner.gather.is_zero() {
            // whoever is about to ask as well does so first
            yield_now().await;
        } else {
            sleep(inner.gather).await;
        }
        let Some(batch) = inner.queue().next() else { return };
        let (questions, tell): (Vec<_>, Vec<_>) = batch.into_iter().map(|it| (it.question, it.tell)).unzip();
        let answers = AssertUnwindSafe(async { (inner.ask)(questions).await }).catch_unwind();
        let outcome = match timeout(PATIENCE, answers).await {
            Ok(Ok(outcome)) => outcome,
            // the panic itself is in the log already
            Ok(Err(_)) => Err(lost("panicked")),
            Err(_) => Err(lost("took too long")),
        };
        // who has gone away meanwhile does not hear it
        match outcome {
            Ok(answers) => tell.into_iter().zip(answers).for_each(|(tell, answer)| drop(tell.send(Ok(answer)))),
            Err(cause) => tell.into_iter().for_each(|tell| drop(tell.send(Err(cause.clone())))),
        }
    }
}

/// Reads, and reads again where the connection failed: it was one for many.
pub(super) async fn read<T, F>(read: impl Fn() -> F) -> Result<T, DbErr>
where
    F: Future<Output = Result<T, DbErr>>,
{
    match read().await {
        Err(error) if is_broken(&error) => {
            // the other connections may be no better
            doubt::raise(&error);
            read().await
        }
        outcome => outcome,
    }
}

/// Whether a connection failed under a statement.
fn is_broken(error: &DbErr) -> bool {
    matches!(error, DbErr::Query(RuntimeErr::SqlxError(_))) && !is_refusal(error)
}

/// Whether the database refused a statement, so that nothing of it was written.
pub(super) fn is_refusal(error: &DbErr) -> bool {
    matches!(error, DbErr::Query(RuntimeErr::SqlxError(cause)) if matches!(**cause, sqlx::Error::Database(_)))
}

fn lost(what: &str) -> DbErr {
    DbErr::Custom(format!("a batch of questions to the database {what}"))
}

impl<Q, A> fmt::Debug for Batches<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batches({} waiting)", self.0.queue().waiting.len())
    }
}

impl<Q, A> Clone for Batches<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The items and the last of them again, until they are a power of two: a statement is prepared for each number of
/// values, and so there are few.
pub(super) fn padded<T: Clone>(mut items: Vec<T>) -> Vec<T> {
    if let Some(last) = items.last().cloned() {
        items.resize(items.len().next_power_of_two(), last);
    }
    items
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use super::*;
    use futures_util::future::join_all;

    /// Longer than a task needs to be woken.
    const WHILE: Duration = Duration::from_millis(5);

    /// Batches that answer twice the number, each after a while, and how many there were.
    fn doubling() -> (Batches<u32, u32>, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let batches = Batches::new(move |numbers: Vec<u32>| {
            counted.fetch_add(1, SeqCst);
            assert!(numbers.len() <= MOST && !numbers.contains(&13), "a number that brings bad luck");
            Box::pin(async move {
                sleep(WHILE).await;
                if numbers.contains(&666) {
                    return Err(DbErr::Custom("a number of the beast".to_owned()));
                }
                Ok(numbers.into_iter().map(|number| number * 2).collect())
            })
        });
        (batches, count)
    }

    #[tokio::test]
    async fn what_is_asked_at_the_same_time_is_asked_at_once_and_each_gets_their_own_answer() {
        let (batches, count) = doubling();
        let answers = join_all((100..200).map(|number| batches.ask(number))).await;
        assert!(answers.into_iter().zip(100..200).all(|(answer, number)| answer.unwrap() == number * 2));
        assert_eq!(count.load(SeqCst), 2, "{MOST} and the others");
    }

    #[tokio::test]
    async fn nobody_is_asked_for_who_has_gone_away() {
        let (batches, count) = doubling();
        let first = tokio::spawn({
            let batches = batches.clone();
            async move { batches.ask(1).await }
        });
        sleep(WHILE / 5).await;
        // this one would fail the batch of those who stay
        assert!(timeout(WHILE / 5, batches.ask(666)).await.is_err());
        assert_eq!(batches.ask(3).await.unwrap(), 6);
        assert_eq!((first.await.unwrap().unwrap(), count.load(SeqCst)), (2, 2));
    }

    #[tokio::test]
    async fn a_batch_that_fails_or_panics_is_told_to_all_in_it_and_to_nobody_else() {
        let (batches, _) = doubling();
        for bad in [666, 13] {
            let answers = join_all([1, bad, 2].map(|number| batches.ask(number))).await;
            assert!(answers.iter().all(Result::is_err), "{answers:?}");
            assert_eq!(batches.ask(4).await.unwrap(), 8);
        }
    }

    #[tokio::test]
    async fn a_slow_batch_does_not_keep_the_others_waiting() {
        let batches = Batches::new(|numbers: Vec<u32>| {
            Box::pin(async move { if numbers.contains(&0) { pending().await } else { Ok(numbers) } })
        });
        let slow = tokio::spawn({
            let batches = batches.clone();
            async move { batches.ask(0).await }
        });
        sleep(WHILE).await;
        assert_eq!(timeout(PATIENCE / 2, batches.ask(7)).await.unwrap().unwrap(), 7);
        slow.abort();
    }

    #[test]
    fn items_are_padded_to_few_lengths() {
        assert!(padded::<u8>(vec![]).is_empty());
        assert_eq!(padded(vec![1]), [1]);
        assert_eq!(padded(vec![1, 2, 3, 4, 5]), [1, 2, 3, 4, 5, 5, 5, 5]);
    }
}
