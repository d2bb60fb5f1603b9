//! Registered documents: where there is a list of them, nothing else runs.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use super::Fingerprint;

/// The only documents that run.
pub(super) struct Registered {
    by_id: HashMap<String, String>,
    texts: HashSet<Fingerprint>,
}

impl Registered {
    /// The documents of a manifest, by id.
    pub(super) fn new(by_id: HashMap<String, String>) -> Self {
        let texts = by_id.values().map(|text| Fingerprint::of(text)).collect();
        Self { by_id, texts }
    }

    /// The text of an id.
    pub(super) fn text(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// All of them, with their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_id.iter().map(|(id, text)| (id.as_str(), text.as_str()))
    }

    /// Whether a text is one of them, to the letter.
    pub(super) fn holds(&self, fingerprint: &Fingerprint) -> bool {
        self.texts.contains(fingerprint)
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registered({} documents)", self.by_id.len())
    }
}
