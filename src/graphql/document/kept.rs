//! The documents that were accepted, parsed, so that a client's next request with the same text is neither parsed nor
//! validated. Bounded in number and in bytes; nothing gets in that was not found to fit the schema.

use std::fmt;

use async_graphql::{Positioned, parser::types::Selection};
use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::Document;

/// Memory all kept documents may take, in bytes, as far as it can be told.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// What a parsed document takes for each word or sign, at the most: a field, the largest thing one word makes, in a list
/// that has just grown to twice its length, and the field's name.
const TOKEN: usize = 2 * size_of::<Positioned<Selection>>() + 32;

/// What the shortest one counts for: bounds how many there are.
const LEAST: usize = 16 * 1024;

/// Parts of the room, each with a lock of its own. Few, so that the longest document fits into one.
const SHARDS: usize = 4;

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

/// Memory that a parsed document takes, by its words and signs and its length in bytes.
pub(super) fn size(tokens: usize, length: usize) -> usize {
    tokens.saturating_mul(TOKEN).saturating_add(length)
}

/// The kept documents. A flood of new ones does not push out the ones in use (S3-FIFO).
pub(super) struct Kept(Cache<Fingerprint, Document, Size>);

/// Weighs documents.
#[derive(Clone)]
struct Size;

impl Weighter<Fingerprint, Document> for Size {
    fn weight(&self, _: &Fingerprint, document: &Document) -> u64 {
        document.size.max(LEAST) as u64
    }
}

impl Kept {
    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<Document> {
        self.0.get(fingerprint)
    }

    pub(super) fn put(&self, document: Document) {
        self.0.insert(document.fingerprint, document);
    }
}

impl Default for Kept {
    fn default() -> Self {
        let most = usize::try_from(CAPACITY).unwrap_or(usize::MAX) / LEAST;
        let options =
            OptionsBuilder::new().estimated_items_capacity(most).weight_capacity(CAPACITY).shards(SHARDS).build();
        // all that must be said is said
        let cache = options.map(|options| {
            Cache::with_options(options, Size, DefaultHashBuilder::default(), DefaultLifecycle::default())
        });
        Self(cache.unwrap_or_else(|_| Cache::with_weighter(most, CAPACITY, Size)))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} documents)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use async_graphql::parser::parse_query;
    use proptest::prelude::*;

    use super::*;

    /// What is done to the kept documents.
    #[derive(Clone, Debug)]
    enum Act {
        /// A text is put, which counts as long as this.
        Put(u8, usize),
        /// A text is asked for.
        Get(u8),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let lengths = prop_oneof![0..2000_usize, 10_000..200_000_usize, Just(usize::MAX)];
        let act = prop_oneof![
            (any::<u8>(), lengths).prop_map(|(n, length)| Act::Put(n, length)),
            any::<u8>().prop_map(Act::Get)
        ];
        prop::collection::vec(act, 0..300)
    }

    fn document(n: u8, size: usize) -> Document {
        let text = format!("{{ f{n} }}");
        let parsed = Arc::new(parse_query(&text).unwrap());
        Document { parsed, uses: 0, accepted: true, plain: None, fingerprint: Fingerprint::of(&text), size }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn what_is_found_is_what_was_put_and_never_more_than_the_bound(acts in acts()) {
            let kept = Kept::default();
            let mut put = HashMap::new();
            for act in acts {
                match act {
                    Act::Put(n, size) => {
                        let document = document(n, size);
                        put.insert(n, Arc::clone(&document.parsed));
                        kept.put(document);
                    }
                    Act::Get(n) => {
                        let found = kept.get(&document(n, 0).fingerprint).map(|found| found.parsed);
                        // what was put last, or nothing: there need not be room for it
                        prop_assert!(found.is_none_or(|found| put.get(&n).is_some_and(|put| Arc::ptr_eq(put, &found))));
                    }
                }
                prop_assert!(kept.0.weight() <= CAPACITY);
                prop_assert!(kept.0.len() <= usize::try_from(CAPACITY).unwrap() / LEAST);
            }
        }
    }

    #[test]
    fn a_few_documents_are_all_kept() {
        let kept = Kept::default();
        let documents: Vec<_> = (0..100).map(|n| document(n, size(60, 300))).collect();
        for document in &documents {
            kept.put(document.clone());
        }
        assert!(documents.iter().all(|document| kept.get(&document.fingerprint).is_some()));
    }

    #[test]
    fn a_heap_of_fields_counts_for_the_memory_it_takes() {
        let text = format!("{{ {} }}", "a ".repeat(1990));
        let parsed = parse_query(&text).unwrap();
        let (_, operation) = parsed.operations.iter().next().unwrap();
        let items = &operation.node.selection_set.node.items;
        // the name is a counted text of its own
        let taken = items.capacity() * size_of::<Positioned<Selection>>() + items.len() * 24;
        assert!(taken > text.len() * 24 && taken <= size(1992, text.len()), "{taken}");
    }
}
