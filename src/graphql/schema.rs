//! The GraphQL schema: its three roots, and how the library is set up to execute it.

mod mutation;
mod object;
mod query;
mod scalar;
mod subscription;

use std::sync::Arc;

use async_graphql::{SDLExportOptions, SchemaBuilder, ValidationMode};

use super::execution::ExecutionWatch;
use crate::{account::Accounts, config::Config};
use mutation::Mutation;
pub(super) use object::UserView;
pub use object::export;
use query::{About, Query};
pub use scalar::DateTime;
use subscription::Subscription;

/// The schema, ready to execute documents.
pub(super) type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema that serves `accounts`. Introspection and suggestions are for GraphiQL and off without it. `limits` has
/// checked each document before; the library's own limits are a second line of defence.
pub(super) fn build(accounts: &Arc<Accounts>, config: &Config, mode: ValidationMode) -> Schema {
    let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    let limits = &config.limits;
    let schema = builder()
        .limit_depth(size(limits.depth))
        .limit_complexity(size(limits.fields))
        .limit_recursive_depth(size(limits.nesting))
        .limit_directives(size(limits.directives))
        .limit_aliases(size(limits.aliases))
        .data(Arc::clone(accounts))
        .data(About { emulator: config.emulator })
        .validation_mode(mode);
    if config.graphiql { schema.finish() } else { schema.disable_introspection().disable_suggestions().finish() }
}

/// The schema in the schema definition language.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().use_space_ident();
    builder().finish().sdl_with_options(options.include_specified_by())
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation, Subscription).extension(ExecutionWatch)
}
