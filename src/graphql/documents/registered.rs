//! Registered documents: if there is a manifest of documents, no other document is executed.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use super::Fingerprint;

/// The documents of a manifest.
pub(super) struct RegisteredDocuments {
    by_id: HashMap<String, String>,
    fingerprints: HashSet<Fingerprint>,
}

impl RegisteredDocuments {
    /// The documents of a manifest, by id.
    pub(super) fn new(by_id: HashMap<String, String>) -> Self {
        let fingerprints = by_id.values().map(|text| Fingerprint::of(text)).collect();
        Self { by_id, fingerprints }
    }

    /// The text of an id.
    pub(super) fn text(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// All of them, with their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_id.iter().map(|(id, text)| (id.as_str(), text.as_str()))
    }

    /// Whether a text is one of them, byte for byte.
    pub(super) fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprints.contains(fingerprint)
    }
}

impl fmt::Debug for RegisteredDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegisteredDocuments({})", self.by_id.len())
    }
}
