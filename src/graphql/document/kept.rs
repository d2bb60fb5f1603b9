//! The documents that were accepted, parsed, so that a client's next request with the same text is neither parsed nor
//! validated. Bounded in number and in bytes; nothing gets in that was not found to fit the schema.

use std::{fmt, sync::Arc};

use async_graphql::parser::types::ExecutableDocument;
use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

/// Memory all kept documents may take, in bytes, as far as it can be told.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// What a parsed document takes for each byte of its text.
const PARSED: usize = 24;

/// What the shortest one counts for: bounds how many there are.
const LEAST: usize = 16 * 1024;

/// Name of a text: its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The name of a text.
    #[must_use]
    pub(super) fn of(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The kept documents. A flood of new ones does not push out the ones in use (`TinyLFU`).
pub(super) struct Kept(Cache<Fingerprint, (Arc<ExecutableDocument>, u32)>);

impl Kept {
    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<Arc<ExecutableDocument>> {
        self.0.get(fingerprint).map(|(document, _)| document)
    }

    pub(super) fn put(&self, fingerprint: Fingerprint, document: Arc<ExecutableDocument>, length: usize) {
        let weight = u32::try_from((length * PARSED).max(LEAST)).unwrap_or(u32::MAX);
        self.0.insert(fingerprint, (document, weight));
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).weigher(|_, (_, weight)| *weight).build())
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} documents)", self.0.entry_count())
    }
}
