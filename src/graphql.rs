//! The GraphQL schema: what can be asked and listened to, in whose name, and how errors look. Resolvers ask `account` and decide
//! nothing themselves.

mod caller;
mod document;
mod engine;
mod error;
mod execution;
mod mutation;
mod object;
mod query;
mod scalar;
mod subscription;
mod variables;

use std::sync::Arc;

use async_graphql::{SDLExportOptions, SchemaBuilder, ValidationMode};

pub use caller::Caller;
pub use engine::{Engine, Parameters, Prepared, Query, whole};
pub use error::present;
use query::About;
pub use scalar::DateTime;

use crate::account::Accounts;
use execution::{ExecutionBegan, ExecutionWatch};

/// The schema, ready to execute documents.
type Schema = async_graphql::Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// `GraphiQL`'s introspection query nests 15 deep and weighs 230: less than that and the explorer shows no documentation.
const DEPTH: usize = 15;
const COMPLEXITY: usize = 300;
const RECURSION: usize = 32;
const DIRECTIVES: usize = 4;
const ALIASES: usize = 30;

/// The schema that serves `accounts`. Introspection and suggestions are for explorers: without them on, a client knows
/// what it wants.
fn schema(accounts: Arc<Accounts>, about: About, introspection: bool, mode: ValidationMode) -> Schema {
    let schema = bare().data(accounts).data(about).validation_mode(mode);
    if introspection { schema.finish() } else { schema.disable_introspection().disable_suggestions().finish() }
}

/// The schema in the schema definition language.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().use_space_ident();
    bare().finish().sdl_with_options(options.include_specified_by())
}

fn bare() -> SchemaBuilder<query::Query, mutation::Mutation, subscription::Subscription> {
    Schema::build(query::Query, mutation::Mutation, subscription::Subscription)
        .limit_depth(DEPTH)
        .limit_complexity(COMPLEXITY)
        .limit_recursive_depth(RECURSION)
        .limit_directives(DIRECTIVES)
        .limit_aliases(ALIASES)
        .extension(ExecutionWatch)
}
