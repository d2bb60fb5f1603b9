//! Documents: the texts that clients send for execution. A text is checked against the limits, parsed, and cached when
//! the library has validated it, so that the next request with the same text is neither parsed nor validated again.
//!
//! The cache and the registered documents are here and not in `limits`, because both are looked up by the fingerprint
//! of the text before it is checked.

mod cache;
mod registered;

use std::{collections::HashMap, sync::Arc};

use async_graphql::parser::{parse_query, types::ExecutableDocument};

use super::{
    direct_query::DirectQuery,
    limits::{self, lexical},
    refusal::Refusal,
    spec::escapes,
};
use crate::{
    config::Limits,
    error::{ApiError, Code},
};

use cache::{DocumentCache, Fingerprint};
use registered::RegisteredDocuments;

/// A document within the limits.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The document, parsed.
    pub(super) parsed: Arc<ExecutableDocument>,
    /// How often it uses a variable, with fragments expanded and lists at their full length.
    pub(super) variable_usages: u32,
    /// Whether it was validated by an earlier request.
    pub(super) is_validated: bool,
    /// The direct query, if the document does not need the executor. Only for validated documents.
    pub(super) direct_query: Option<Arc<DirectQuery>>,
    fingerprint: Fingerprint,
    /// Memory it takes, in bytes.
    size: usize,
}

impl Document {
    /// Memory that a copy of it takes, in bytes: the lists of a copy have no spare capacity.
    pub(super) fn copied_size(&self) -> usize {
        self.size / 2
    }
}

/// The documents of a server.
#[derive(Debug)]
pub(super) struct Documents {
    limits: Limits,
    /// The only documents that are executed; `None` if any document is.
    registered: Option<RegisteredDocuments>,
    cache: DocumentCache,
}

impl Documents {
    /// An empty cache, and the documents of the manifest by id, if there is one.
    #[must_use]
    pub(super) fn new(limits: Limits, registered: Option<HashMap<String, String>>) -> Self {
        let registered = registered.map(RegisteredDocuments::new);
        Self { limits, registered, cache: DocumentCache::default() }
    }

    /// The text of a registered document.
    ///
    /// # Errors
    /// `PERSISTED_QUERY_NOT_SUPPORTED` if there is no manifest: clients then send the text. `BAD_REQUEST` if the
    /// manifest does not contain the id: the text would be refused as well.
    pub(super) fn text(&self, id: &str) -> Result<&str, ApiError> {
        let registered = self.registered.as_ref().ok_or(Code::PersistedQueryNotSupported)?;
        registered
            .text(id)
            .ok_or_else(|| ApiError::new(Code::BadRequest).detail("No document is registered under this id."))
    }

    /// Finds a text in the cache, or checks it against the limits and parses it.
    ///
    /// # Errors
    /// When it is not registered, exceeds a limit, or does not parse.
    pub(super) fn admit(&self, text: &str) -> Result<Document, Refusal> {
        // first, because the time of everything else, even of hashing, grows with the length of the text
        lexical::check_length(text, &self.limits)?;
        let fingerprint = Fingerprint::of(text);
        if self.registered.as_ref().is_some_and(|registered| !registered.contains(&fingerprint)) {
            return Err(ApiError::new(Code::BadRequest)
                .detail("This server executes only registered documents.")
                .into());
        }
        match self.cache.get(&fingerprint) {
            Some(document) => Ok(document),
            None => self.parse(text, fingerprint),
        }
    }

    fn parse(&self, text: &str, fingerprint: Fingerprint) -> Result<Document, Refusal> {
        let tokens = lexical::check_tokens(text, &self.limits)?;
        let parsed = parse_query(escapes::replace(text)?).map_err(|error| Refusal::unparsable(error.into()))?;
        Ok(Document {
            variable_usages: limits::check_cost(&parsed, &self.limits)?,
            parsed: Arc::new(parsed),
            is_validated: false,
            direct_query: None,
            fingerprint,
            size: cache::size(tokens, text.len()),
        })
    }

    /// Finds a registered document that would be refused for every client.
    ///
    /// # Errors
    /// With the first such document: its id and the refusal.
    pub(super) fn check_registered(&self) -> Result<(), (&str, Refusal)> {
        let mut registered = self.registered.iter().flat_map(RegisteredDocuments::iter);
        registered.try_for_each(|(id, text)| self.admit(text).map(drop).map_err(|refusal| (id, refusal)))
    }

    /// Caches a document that the library has validated.
    pub(super) fn cache(&self, document: Document) {
        if !document.is_validated {
            let direct_query = DirectQuery::of(&document.parsed).map(Arc::new);
            self.cache.insert(Document { is_validated: true, direct_query, ..document });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_is_cached_once_it_is_validated() {
        let documents = Documents::new(Limits::default(), None);
        let document = documents.admit("{ me { id } }").unwrap();
        assert!(!document.is_validated);
        assert!(!documents.admit("{ me { id } }").unwrap().is_validated);
        documents.cache(document);
        assert!(documents.admit("{ me { id } }").unwrap().is_validated);
    }

    #[test]
    fn unregistered_document_is_refused_where_there_is_a_manifest() {
        let manifest = [("a", "{ me { id } }"), ("c", "{ node(id: \"\\uD83D\\uDE00\\u{1F600}\") { id } }")];
        let manifest = manifest.map(|(id, text)| (id.to_owned(), text.to_owned()));
        let documents = Documents::new(Limits::default(), Some(manifest.into()));
        assert!(documents.admit(documents.text("c").unwrap()).is_ok());
        assert!(documents.admit(documents.text("a").unwrap()).is_ok());
        assert!(documents.admit("{ me { id } } ").is_err());
        assert!(documents.text("b").is_err());
        assert!(documents.check_registered().is_ok());
        assert!(Documents::new(Limits::default(), None).text("a").is_err());
    }

    #[test]
    fn registered_document_that_cannot_run_is_found() {
        for (text, code) in [
            ("{ me { id }", Code::GraphqlParseFailed),
            ("{ ...F }", Code::GraphqlValidationFailed),
            (&*format!("{{ {} }}", "me ".repeat(21)), Code::QueryTooExpensive),
            ("{ node(id: \"\\uD83D\") { id } }", Code::GraphqlParseFailed),
        ] {
            let manifest = [("a".to_owned(), "{ me { id } }".to_owned()), ("b".to_owned(), text.to_owned())];
            let documents = Documents::new(Limits::default(), Some(manifest.into()));
            let (id, refusal) = documents.check_registered().unwrap_err();
            assert_eq!((id, refusal.error.code), ("b", code), "{text}");
        }
    }
}
