//! The queue of a batcher: the pending lookups, and when another task must start for them.

use std::{collections::VecDeque, time::Instant};

use sea_orm::DbErr;
use tokio::sync::oneshot;

use super::{MAX_BATCH, MAX_IN_FLIGHT, SLOW_BATCH};

/// The pending lookups, and the number of tasks that run them.
pub(super) struct Queue<K, V> {
    pub(super) pending: VecDeque<Pending<K, V>>,
    runs: usize,
    /// When a batch was last sent.
    last: Instant,
}

/// A lookup that no batch contains yet.
pub(super) struct Pending<K, V> {
    pub(super) key: K,
    pub(super) reply: oneshot::Sender<Result<V, DbErr>>,
}

impl<K, V> Queue<K, V> {
    pub(super) fn new() -> Self {
        Self { pending: VecDeque::new(), runs: 0, last: Instant::now() }
    }

    /// Queues a lookup. Returns whether the caller must start a task.
    pub(super) fn push(&mut self, pending: Pending<K, V>) -> bool {
        self.pending.push_back(pending);
        self.try_start_run()
    }

    /// Returns whether the caller must start a task for the pending lookups, and counts it as started.
    pub(super) fn try_start_run(&mut self) -> bool {
        let is_slow = || self.runs < MAX_IN_FLIGHT && self.last.elapsed() >= SLOW_BATCH && !self.pending.is_empty();
        let starts = self.runs == 0 && !self.pending.is_empty() || is_slow();
        if starts {
            self.runs += 1;
            self.last = Instant::now();
        }
        starts
    }

    /// The next batch, without cancelled lookups. `None` if nothing is pending, which ends the task.
    pub(super) fn next(&mut self) -> Option<Vec<Pending<K, V>>> {
        self.pending.retain(|pending| !pending.reply.is_closed());
        if self.pending.is_empty() {
            self.runs -= 1;
            return None;
        }
        self.last = Instant::now();
        let count = self.pending.len().min(MAX_BATCH);
        Some(self.pending.drain(..count).collect())
    }
}
