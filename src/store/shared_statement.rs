//! A statement that many requests share, on a database that can run it (PostgreSQL). Where it is refused, each request runs
//! one of its own, because another request may be the cause. Where the database does not support it, it is not tried
//! again: some databases that speak PostgreSQL's protocol lack parts of its language.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use sea_orm::{DbBackend, DbErr};

use super::{
    batcher::Batcher,
    database::{Database, is_refusal, is_unsupported},
};

/// The statement.
#[derive(Debug)]
pub(super) struct SharedStatement<K, V> {
    batcher: Option<Batcher<K, V>>,
    is_unsupported: AtomicBool,
}

impl<K: Send + Sync + 'static, V: Send + 'static> SharedStatement<K, V> {
    /// A statement of PostgreSQL's.
    pub(super) fn on_postgres(db: &Database, batcher: impl FnOnce() -> Batcher<K, V>) -> Self {
        let batcher = (db.backend() == DbBackend::Postgres).then(batcher);
        Self { batcher, is_unsupported: AtomicBool::new(false) }
    }

    /// The value of a key; `None` where the request must run a statement of its own, and nothing was written.
    pub(super) async fn submit(&self, key: K) -> Result<Option<V>, DbErr> {
        let Some(batcher) = self.batcher.as_ref().filter(|_| !self.is_unsupported.load(Relaxed)) else {
            return Ok(None);
        };
        match batcher.submit(key).await {
            Err(error) if is_refusal(&error) => {
                if is_unsupported(&error) && !self.is_unsupported.swap(true, Relaxed) {
                    tracing::warn!(%error, "the database does not support a batched statement");
                }
                Ok(None)
            }
            value => value.map(Some),
        }
    }
}
