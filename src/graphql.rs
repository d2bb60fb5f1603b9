//! GraphQL: the processing of a request between the HTTP endpoint and `account`.
//!
//! - `engine` prepares and executes a request;
//! - `documents` parses and caches documents, `limits` limits their cost, `spec` adds checks that the library lacks;
//! - `schema` defines the queries, mutations, subscriptions and objects. Its resolvers call `account` and contain no
//!   rules themselves;
//! - `direct_query` executes `{ me { … } }` without the library's executor;
//! - `caller` identifies the caller, `error` formats errors.

mod caller;
mod direct_query;
mod documents;
mod engine;
mod error;
mod execution;
mod limits;
mod refusal;
mod schema;
mod spec;

pub use caller::Caller;
pub use engine::{Engine, Parameters, Prepared, Query, whole};
pub use error::present;
pub use schema::{DateTime, export, sdl};

use crate::{config::Config, error::Language};
use documents::Documents;

/// Checks the registered documents of the settings.
///
/// # Errors
/// With a sentence for the operator about the first document that the server would refuse for every client.
pub fn check_registered(config: &Config) -> Result<(), String> {
    let documents = Documents::new(config.limits, config.trusted_documents.clone());
    documents.check_registered().map_err(|(id, refusal)| {
        let place = refusal.places.first().map(|place| format!(" (line {}, column {})", place.line, place.column));
        let why = refusal.error.message(Language::En);
        format!("TRUSTED_DOCUMENTS: the document `{id}` cannot run: {why}{}", place.unwrap_or_default())
    })
}
