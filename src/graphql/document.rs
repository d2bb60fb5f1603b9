//! Documents: the texts clients want executed. Each is held against the limits before the library sees it, because the
//! library's own limits come after work that a short text can make endless. One that was accepted is kept parsed.

mod cost;
mod kept;
mod lexical;
mod registered;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use async_graphql::{ServerError, parser::parse_query, parser::types::ExecutableDocument};

use crate::{
    config::Limits,
    error::{ApiError, Code},
};

use kept::Fingerprint;
use registered::Registered;

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
    /// It asks for too much, or may not run.
    Excess(ApiError),
    /// It is no document.
    Syntax(ServerError),
}

/// The documents of a server.
#[derive(Debug)]
pub(super) struct Documents {
    limits: Limits,
    /// The only ones that run; `None` where any may.
    registered: Option<Registered>,
    kept: kept::Kept,
}

impl Documents {
    /// No documents yet.
    #[must_use]
    pub(super) fn new(limits: Limits, registered: Option<HashMap<String, String>>) -> Self {
        Self { limits, registered: registered.map(Registered::new), kept: kept::Kept::default() }
    }

    /// The text of a request that has an id in its place.
    ///
    /// # Errors
    /// `BAD_REQUEST` where nothing is registered under the id.
    pub(super) fn text(&self, id: &str) -> Result<&str, ApiError> {
        let text = self.registered.as_ref().and_then(|registered| registered.text(id));
        text.ok_or_else(|| ApiError::new(Code::BadRequest).detail("No document is registered under this id."))
    }

    /// Finds a text among the accepted ones, or holds it against the limits and parses it.
    ///
    /// # Errors
    /// When it is not registered, asks for too much, or is no document.
    pub(super) fn admit(&self, text: &str) -> Result<Document, Refusal> {
        // before anything else, hashing included, looks at a text that is too long
        lexical::check_length(text, &self.limits)?;
        let (fingerprint, length) = (Fingerprint::of(text), text.len());
        if self.registered.as_ref().is_some_and(|registered| !registered.holds(&fingerprint)) {
            let detail = "Only registered documents run here.";
            return Err(Refusal::Excess(ApiError::new(Code::BadRequest).detail(detail)));
        }
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
