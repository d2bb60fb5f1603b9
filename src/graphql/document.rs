//! Documents: the texts clients want executed. Each is held against the limits before the library sees it, because the
//! library's own limits come after work that a short text can make endless. One that was accepted is kept parsed.

mod cost;
mod kept;
mod lexical;
mod measure;
mod registered;
mod steps;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Pos, ServerError,
    parser::{parse_query, types::ExecutableDocument},
};

use super::plain::Plain;
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
    pub(super) parsed: Arc<ExecutableDocument>,
    /// How often it puts a variable in, fragments written out, in the lists they are put into.
    pub(super) uses: u32,
    /// Whether it was found to fit the schema before: it need not be looked at again.
    pub(super) accepted: bool,
    /// How it is answered without the executor, where that can be done. Known of accepted ones.
    pub(super) plain: Option<Arc<Plain>>,
    fingerprint: Fingerprint,
    /// Memory it takes, in bytes.
    size: usize,
}

/// Why a text is not executed, and where in it the reason stands.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What the client is told.
    pub(super) error: ApiError,
    /// The places the error is about.
    pub(super) places: Vec<Pos>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, places: Vec::new() }
    }
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
        let fingerprint = Fingerprint::of(text);
        if self.registered.as_ref().is_some_and(|registered| !registered.holds(&fingerprint)) {
            return Err(ApiError::new(Code::BadRequest).detail("Only registered documents run here.").into());
        }
        if let Some(document) = self.kept.get(&fingerprint) {
            return Ok(document);
        }
        let tokens = lexical::check(text, &self.limits)?;
        let parsed = parse_query(text).map_err(|error| unreadable(error.into()))?;
        let uses = cost::check(&parsed, &self.limits)?;
        let size = kept::size(tokens, text.len());
        Ok(Document { parsed: Arc::new(parsed), uses, accepted: false, plain: None, fingerprint, size })
    }

    /// Looks for a registered document that would be refused whenever somebody asks for it.
    ///
    /// # Errors
    /// With the first one: its id and why.
    pub(super) fn check_registered(&self) -> Result<(), (&str, Refusal)> {
        let registered = self.registered.iter().flat_map(Registered::iter);
        registered
            .map(|(id, text)| self.admit(text).map_err(|refusal| (id, refusal)))
            .try_for_each(|found| found.map(drop))
    }

    /// Keeps a document that was found to fit the schema.
    pub(super) fn keep(&self, document: Document) {
        if !document.accepted {
            let plain = Plain::of(&document.parsed).map(Arc::new);
            self.kept.put(Document { accepted: true, plain, ..document });
        }
    }
}

/// A refusal that says which limit, and what it is.
fn excess(what: &str, limit: impl std::fmt::Display) -> Refusal {
    ApiError::new(Code::QueryTooExpensive).detail(format!("At most {limit} {what}.")).into()
}

/// The place of a syntax error is told; the library's words are not, they quote the document.
fn unreadable(error: ServerError) -> Refusal {
    Refusal { error: Code::GraphqlParseFailed.into(), places: error.locations }
}
