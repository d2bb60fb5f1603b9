//! What the GraphQL specification requires and async-graphql 8.0.0-rc.5 does not do, or does too late. Each file
//! corrects one fault of the library, and has a test (`library_still_…`) that fails when the library no longer has the
//! fault: then the file can be deleted. Section numbers are those of the specification of October 2021.
//!
//! | file | section | what the library does | a document that shows it |
//! |---|---|---|---|
//! | `arguments` | 5.8.5, "All Variable Usages Are Allowed" | does not check a variable in the wrong place within a list or an input object, nor the values next to it, before resolvers run; checks the variables of one operation only (pull request 1669) | `query($v: String) { device(it: { id: $v }) }` with `id: String!` |
//! | `variables` | 6.1.2, "Coercing Variable Values" | misses a required value only when the resolver that uses it runs, after the resolvers before it; panics over a list of an unknown type with a default (compare issue 911) | `mutation($v: ID!) { first second(id: $v) }` without variables |
//! | `escapes` | 2.9.4, "String Value" (and the next edition) | refuses surrogate pairs and `\u{…}` | `{ echo(text: "\uD83D\uDE00") }` |
//! | `introspection` | 6.4.4, "Handling Field Errors" | answers `null` for the non-null `__schema` of a server without introspection, and reports no error | `{ __schema { types { name } } }` |
//! | `subscription_root` | 5.2.3.1, "Single Root Field" | executes several root fields, and drops root fields that are in a fragment | `subscription { ticks more: ticks }` |
//!
//! `types` and `coerce` are what `arguments` and `variables` use: the types of the schema, which the library does not
//! publish, and the coercion of values to them. They can be deleted together with the last of the two.

mod arguments;
mod coerce;
pub(super) mod escapes;
mod introspection;
#[cfg(test)]
mod library;
mod subscription_root;
mod types;
mod variables;

use async_graphql::parser::types::ExecutableDocument;

use super::refusal::Refusal;
pub(super) use subscription_root::check as check_subscription_root;
pub(super) use types::Types;
pub(super) use variables::check_values as check_variables;

/// Checks a document before the library validates it.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`
pub(super) fn check_document(
    document: &ExecutableDocument,
    types: &Types,
    introspection_is_on: bool,
) -> Result<(), Refusal> {
    if !introspection_is_on {
        introspection::refuse(document)?;
    }
    variables::check_definitions(document, types)?;
    arguments::check(document, types)
}
