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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

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
        let lengths = prop_oneof![0..2000_usize, 10_000..200_000_usize, Just(usize::MAX / PARSED)];
        let act = prop_oneof![
            (any::<u8>(), lengths).prop_map(|(n, length)| Act::Put(n, length)),
            any::<u8>().prop_map(Act::Get)
        ];
        prop::collection::vec(act, 0..300)
    }

    fn text(n: u8) -> String {
        format!("{{ f{n} }}")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn what_is_found_is_what_was_put_and_never_more_than_the_bound(acts in acts()) {
            let kept = Kept::default();
            let mut put = HashMap::new();
            for act in acts {
                match act {
                    Act::Put(n, length) => {
                        let document = Arc::new(parse_query(text(n)).unwrap());
                        kept.put(Fingerprint::of(&text(n)), Arc::clone(&document), length);
                        put.insert(n, document);
                    }
                    Act::Get(n) => {
                        let found = kept.get(&Fingerprint::of(&text(n)));
                        // what was put last, or nothing: there need not be room for it
                        prop_assert!(found.is_none_or(|found| put.get(&n).is_some_and(|put| Arc::ptr_eq(put, &found))));
                    }
                }
                kept.0.run_pending_tasks();
                prop_assert!(kept.0.weighted_size() <= CAPACITY);
                prop_assert!(kept.0.entry_count() <= CAPACITY / u64::try_from(LEAST).unwrap());
            }
        }
    }

    #[test]
    fn a_few_documents_are_all_kept() {
        let kept = Kept::default();
        let texts: Vec<_> = (0..100).map(text).collect();
        for text in &texts {
            kept.put(Fingerprint::of(text), Arc::new(parse_query(text).unwrap()), text.len());
        }
        kept.0.run_pending_tasks();
        assert!(texts.iter().all(|text| kept.get(&Fingerprint::of(text)).is_some()));
    }
}
