//! The GraphQL schema: what can be asked and listened to, in whose name, and how errors look. Resolvers ask `account` and decide
//! nothing themselves.

mod arguments;
mod caller;
mod document;
mod engine;
mod error;
mod execution;
mod fit;
mod mutation;
mod object;
mod plain;
mod query;
mod scalar;
mod subscription;
mod types;
mod variables;

use std::sync::Arc;

use async_graphql::{SDLExportOptions, SchemaBuilder, ValidationMode};

pub use caller::Caller;
pub use engine::{Engine, Parameters, Prepared, Query, whole};
pub use error::present;
use query::About;
pub use scalar::DateTime;

use crate::{account::Accounts, config::Config, error::Language};
use document::Documents;
use execution::{ExecutionBegan, ExecutionWatch};

/// The schema, ready to execute documents.
type Schema = async_graphql::Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// The schema that serves `accounts`. Introspection and suggestions are for explorers: without them on, a client knows
/// what it wants. The limits hold already where a document is admitted; here they stand a second time, in case it was
/// measured wrongly there.
fn schema(accounts: Arc<Accounts>, about: About, config: &Config, mode: ValidationMode) -> Schema {
    let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    let limits = &config.limits;
    let schema = bare()
        .limit_depth(size(limits.depth))
        .limit_complexity(size(limits.fields))
        .limit_recursive_depth(size(limits.nesting))
        .limit_directives(size(limits.directives))
        .limit_aliases(size(limits.aliases))
        .data(accounts)
        .data(about)
        .validation_mode(mode);
    if config.graphiql { schema.finish() } else { schema.disable_introspection().disable_suggestions().finish() }
}

/// The schema in the schema definition language.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().use_space_ident();
    bare().finish().sdl_with_options(options.include_specified_by())
}

fn bare() -> SchemaBuilder<query::Query, mutation::Mutation, subscription::Subscription> {
    Schema::build(query::Query, mutation::Mutation, subscription::Subscription).extension(ExecutionWatch)
}

/// Why the server would refuse one of the documents that are registered, whoever asks for it.
///
/// # Errors
/// With a sentence for an operator.
pub fn check_registered(config: &Config) -> Result<(), String> {
    let documents = Documents::new(config.limits, config.trusted_documents.clone());
    documents.check_registered().map_err(|(id, refusal)| {
        let place = refusal.places.first().map(|place| format!(" (line {}, column {})", place.line, place.column));
        let why = refusal.error.message(Language::En);
        format!("TRUSTED_DOCUMENTS: the document `{id}` cannot run: {why}{}", place.unwrap_or_default())
    })
}
