//! Documents: the texts clients want executed. Each is held against the limits before the library sees it, because the
//! library's own limits come after work that a short text can make endless. One that was accepted is kept parsed.

mod cost;
mod kept;
mod lexical;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_graphql::{ServerError, parser::parse_query, parser::types::ExecutableDocument};

use crate::{
    config::Limits,
    error::{ApiError, Code},
};

use kept::Fingerprint;

/// A document within the limits.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The document, parsed.
    pub parsed: Arc<ExecutableDocument>,
    /// Whether it was validated before: it need not be again.
    pub accepted: bool,
    fingerprint: Fingerprint,
    length: usize,
}

/// Why a text is not executed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It asks for too much.
    Excess(ApiError),
    /// It is no document.
    Syntax(ServerError),
}

/// The documents of a server.
#[derive(Debug)]
pub(super) struct Documents {
    limits: Limits,
    kept: kept::Kept,
}

impl Documents {
    /// No documents yet.
    #[must_use]
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, kept: kept::Kept::default() }
    }

    /// Finds a text among the accepted ones, or holds it against the limits and parses it.
    ///
    /// # Errors
    /// When it asks for too much, or is no document.
    pub(super) fn admit(&self, text: &str) -> Result<Document, Refusal> {
        // before anything else, hashing included, looks at a text that is too long
        lexical::check_length(text, &self.limits)?;
        let (fingerprint, length) = (Fingerprint::of(text), text.len());
        if let Some(parsed) = self.kept.get(&fingerprint) {
            return Ok(Document { parsed, accepted: true, fingerprint, length });
        }
        lexical::check(text, &self.limits)?;
        let parsed = parse_query(text).map_err(|error| Refusal::Syntax(error.into()))?;
        cost::check(&parsed, &self.limits)?;
        Ok(Document { parsed: Arc::new(parsed), accepted: false, fingerprint, length })
    }

    /// Keeps a document that was found to fit the schema.
    pub(super) fn keep(&self, document: &Document) {
        if !document.accepted {
            self.kept.put(document.fingerprint, Arc::clone(&document.parsed), document.length);
        }
    }
}

/// A refusal that says which limit, and what it is.
fn excess(what: &str, limit: impl std::fmt::Display) -> Refusal {
    let detail = format!("At most {limit} {what}.");
    Refusal::Excess(ApiError::new(Code::QueryTooExpensive).detail(detail))
}
