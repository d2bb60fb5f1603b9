//! The cache of parsed documents, limited in number and in bytes. It contains only validated documents.

use std::fmt;

use async_graphql::{Positioned, parser::types::Selection};
use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::Document;

/// Memory that all cached documents may take, in bytes, by the estimate of [`size`].
const CAPACITY: u64 = 16 * 1024 * 1024;

/// Bytes that a parsed document takes for each token at most: a field, the largest thing one token makes, in a list
/// that has just doubled its capacity, and the field's name.
const BYTES_PER_TOKEN: usize = 2 * size_of::<Positioned<Selection>>() + 32;

/// Bytes that the shortest document counts for. This bounds the number of documents.
const LEAST_WEIGHT: usize = 16 * 1024;

/// Shards, each with a lock of its own. Few, so that the longest document fits into one.
const SHARDS: usize = 4;

/// The SHA-256 of a text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a text.
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

/// Memory that a parsed document takes, in bytes, by the number of its tokens and its length in bytes.
pub(super) fn size(tokens: usize, length: usize) -> usize {
    tokens.saturating_mul(BYTES_PER_TOKEN).saturating_add(length)
}

/// The cached documents. A flood of new documents does not evict those in use (S3-FIFO).
pub(super) struct DocumentCache(Cache<Fingerprint, Document, Size>);

/// Weighs documents.
#[derive(Clone)]
struct Size;

impl Weighter<Fingerprint, Document> for Size {
    fn weight(&self, _: &Fingerprint, document: &Document) -> u64 {
        document.size.max(LEAST_WEIGHT) as u64
    }
}

impl DocumentCache {
    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<Document> {
        self.0.get(fingerprint)
    }

    pub(super) fn insert(&self, document: Document) {
        self.0.insert(document.fingerprint, document);
    }
}

impl Default for DocumentCache {
    fn default() -> Self {
        let most = usize::try_from(CAPACITY).unwrap_or(usize::MAX) / LEAST_WEIGHT;
        let options =
            OptionsBuilder::new().estimated_items_capacity(most).weight_capacity(CAPACITY).shards(SHARDS).build();
        // the options are complete, so building them cannot fail
        let cache = options.map(|options| {
            Cache::with_options(options, Size, DefaultHashBuilder::default(), DefaultLifecycle::default())
        });
        Self(cache.unwrap_or_else(|_| Cache::with_weighter(most, CAPACITY, Size)))
    }
}

impl fmt::Debug for DocumentCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentCache({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use async_graphql::parser::parse_query;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Operation {
        /// Inserts a document of this size.
        Insert(u8, usize),
        Get(u8),
    }

    fn operations() -> impl Strategy<Value = Vec<Operation>> {
        let lengths = prop_oneof![0..2000_usize, 10_000..200_000_usize, Just(usize::MAX)];
        let operation = prop_oneof![
            (any::<u8>(), lengths).prop_map(|(n, length)| Operation::Insert(n, length)),
            any::<u8>().prop_map(Operation::Get)
        ];
        prop::collection::vec(operation, 0..300)
    }

    fn document(n: u8, size: usize) -> Document {
        let text = format!("{{ f{n} }}");
        let parsed = Arc::new(parse_query(&text).unwrap());
        Document {
            parsed,
            variable_usages: 0,
            is_validated: true,
            direct_query: None,
            fingerprint: Fingerprint::of(&text),
            size,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn cache_returns_what_was_inserted_and_stays_within_its_bounds(operations in operations()) {
            let cache = DocumentCache::default();
            let mut inserted = HashMap::new();
            for operation in operations {
                match operation {
                    Operation::Insert(n, size) => {
                        let document = document(n, size);
                        inserted.insert(n, Arc::clone(&document.parsed));
                        cache.insert(document);
                    }
                    Operation::Get(n) => {
                        let found = cache.get(&document(n, 0).fingerprint).map(|found| found.parsed);
                        // the last one inserted, or none: it may have been evicted
                        let last = inserted.get(&n);
                        prop_assert!(found.is_none_or(|found| last.is_some_and(|last| Arc::ptr_eq(last, &found))));
                    }
                }
                prop_assert!(cache.0.weight() <= CAPACITY);
                prop_assert!(cache.0.len() <= usize::try_from(CAPACITY).unwrap() / LEAST_WEIGHT);
            }
        }
    }

    #[test]
    fn cache_holds_a_hundred_documents() {
        let cache = DocumentCache::default();
        let documents: Vec<_> = (0..100).map(|n| document(n, size(60, 300))).collect();
        for document in &documents {
            cache.insert(document.clone());
        }
        assert!(documents.iter().all(|document| cache.get(&document.fingerprint).is_some()));
    }

    #[test]
    fn size_is_an_upper_bound_for_many_short_fields() {
        let text = format!("{{ {} }}", "a ".repeat(1990));
        let parsed = parse_query(&text).unwrap();
        let (_, operation) = parsed.operations.iter().next().unwrap();
        let items = &operation.node.selection_set.node.items;
        // each name is a reference-counted string of its own
        let taken = items.capacity() * size_of::<Positioned<Selection>>() + items.len() * 24;
        assert!(taken > text.len() * 24 && taken <= size(1992, text.len()), "{taken}");
    }
}
