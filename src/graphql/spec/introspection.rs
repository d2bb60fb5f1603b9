//! Disabled introspection is an error. The library returns `null` for `__schema`, whose type is non-null, and
//! reports no error (GraphQL 6.4.4, "Handling Field Errors"): tools then fail without saying why.

use async_graphql::{
    Pos,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

use super::super::refusal::Refusal;

/// Refuses a document with an introspection field in any of its operations and fragments.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED` with the place of the first such field.
pub(super) fn refuse(document: &ExecutableDocument) -> Result<(), Refusal> {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    match operations.chain(fragments).find_map(introspection_field) {
        None => Ok(()),
        Some(place) => Err(Refusal::invalid("Introspection is off on this server.", place)),
    }
}

/// The place of the first introspection field. The limits have bounded the nesting, so recursion is safe.
fn introspection_field(set: &SelectionSet) -> Option<Pos> {
    set.items.iter().find_map(|item| match &item.node {
        Selection::Field(field) if ["__schema", "__type"].contains(&field.node.name.node.as_str()) => Some(item.pos),
        Selection::Field(field) => introspection_field(&field.node.selection_set.node),
        Selection::InlineFragment(fragment) => introspection_field(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::Schema;

    use super::super::library::{Mutation, Query, Ticks};

    #[tokio::test]
    async fn library_still_answers_null_where_introspection_is_off() {
        let schema = Schema::build(Query, Mutation, Ticks).disable_introspection().finish();
        let response = schema.execute("{ __schema { types { name } } }").await;
        let is_null = response.data.to_string() == "{__schema: null}" && response.errors.is_empty();
        assert!(is_null, "the library reports an error now: delete src/graphql/spec/introspection.rs {response:?}");
    }
}
