//! GraphQL: what a request goes through between the HTTP endpoint and `account`.
//!
//! - `engine` takes a request from its text to its answer;
//! - `documents` parses texts and caches them, `limits` bounds what they may cost, `spec` checks what the library does not;
//! - `schema` is what clients see: queries, mutations, subscriptions, objects. Its resolvers call `account` and decide
//!   nothing themselves;
//! - `direct_query` answers `{ me { … } }` without the library's executor;
//! - `caller` is who asks, `error` is how an error looks.

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
/// With a sentence for an operator about the first document that the server would refuse to every client.
pub fn check_registered(config: &Config) -> Result<(), String> {
    let documents = Documents::new(config.limits, config.trusted_documents.clone());
    documents.check_registered().map_err(|(id, refusal)| {
        let place = refusal.places.first().map(|place| format!(" (line {}, column {})", place.line, place.column));
        let why = refusal.error.message(Language::En);
        format!("TRUSTED_DOCUMENTS: the document `{id}` cannot run: {why}{}", place.unwrap_or_default())
    })
}
