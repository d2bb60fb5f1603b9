//! A statement shared by many requests, on a database that supports it (PostgreSQL). If the database rejects it, each
//! request runs a statement of its own, because another request may be the cause. If the database does not support it,
//! it is not tried again: some databases with PostgreSQL's protocol lack parts of its SQL dialect.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use sea_orm::{DbBackend, DbErr};

use super::{
    batcher::Batcher,
    database::{Database, is_refusal, is_unsupported},
};

/// A batched statement that may be unavailable.
#[derive(Debug)]
pub(super) struct SharedStatement<K, V> {
    batcher: Option<Batcher<K, V>>,
    is_unsupported: AtomicBool,
}

impl<K: Send + Sync + 'static, V: Send + 'static> SharedStatement<K, V> {
    /// A statement for PostgreSQL; unavailable on other databases.
    pub(super) fn on_postgres(db: &Database, batcher: impl FnOnce() -> Batcher<K, V>) -> Self {
        let batcher = (db.backend() == DbBackend::Postgres).then(batcher);
        Self { batcher, is_unsupported: AtomicBool::new(false) }
    }

    /// The result for a key; `None` if nothing was written and the request must run a statement of its own.
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
