//! The shortest way: a query for values of the caller's row and nothing else, which is what clients ask most, is answered
//! by writing those down. The executor would take as long for it as all the rest of the request; it sees to every other
//! document, and to this one where the answer is an error.

use async_graphql::parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet};

use super::{
    caller::Caller,
    object::{PlainField, User},
};
use crate::account::Accounts;

/// Room for an answer, in bytes: few are longer.
const ROOM: usize = 512;

/// A query such as `{ me { id nickname } }`, ready to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain {
    /// What stands ahead of each field, and the field.
    fields: Vec<(String, PlainField)>,
}

impl Plain {
    /// The query of a document that is known to fit the schema; `None` where it asks for anything else.
    pub(super) fn of(document: &ExecutableDocument) -> Option<Self> {
        let mut operations = document.operations.iter().map(|(_, operation)| &operation.node);
        let (Some(operation), None) = (operations.next(), operations.next()) else { return None };
        if operation.ty != OperationType::Query || !operation.directives.is_empty() {
            return None;
        }
        let (key, me) = bare_fields(&operation.selection_set.node)?.pop()?;
        let is_only = operation.selection_set.node.items.len() == 1;
        if me.name.node != "me" || !is_only {
            return None;
        }
        let mut ahead = format!("{{\"{key}\":{{");
        let mut fields = Vec::new();
        for (key, field) in bare_fields(&me.selection_set.node)? {
            let is_leaf = field.selection_set.node.items.is_empty();
            let plain = PlainField::named(&field.name.node).filter(|_| is_leaf)?;
            // a name of GraphQL holds nothing that JSON would escape
            fields.push((format!("{ahead}\"{key}\":"), plain));
            ",".clone_into(&mut ahead);
        }
        Some(Self { fields })
    }

    /// Writes `data` for a caller; `None` where that is not all there is to say.
    pub(super) async fn write(&self, accounts: &Accounts, caller: &Caller) -> Option<Vec<u8>> {
        let caller = caller.signed_in(accounts).await.ok()?;
        let me = User::new(caller.user.clone(), caller.viewer());
        let mut json = Vec::with_capacity(ROOM);
        for (ahead, field) in &self.fields {
            json.extend_from_slice(ahead.as_bytes());
            me.write(*field, &mut json).ok()?;
        }
        json.extend_from_slice(b"}}");
        Some(json)
    }
}

/// The fields of a selection by their keys in the answer; `None` where anything else is in it, or a key twice: such
/// fields are merged.
fn bare_fields(set: &SelectionSet) -> Option<Vec<(&str, &Field)>> {
    let mut fields: Vec<(&str, &Field)> = Vec::new();
    for item in &set.items {
        let Selection::Field(field) = &item.node else { return None };
        let (key, field) = (field.node.response_key().node.as_str(), &field.node);
        let is_bare = field.arguments.is_empty() && field.directives.is_empty();
        if !is_bare || fields.iter().any(|(other, _)| *other == key) {
            return None;
        }
        fields.push((key, field));
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    /// What is written ahead of each field.
    fn plain(text: &str) -> Option<Vec<String>> {
        let plain = Plain::of(&parse_query(text).unwrap())?;
        Some(plain.fields.into_iter().map(|(ahead, _)| ahead).collect())
    }

    #[test]
    fn a_query_for_values_of_the_callers_row_is_plain() {
        assert_eq!(plain("{ me { id } }").unwrap(), [r#"{"me":{"id":"#]);
        let aliased = plain("query Me($unused: Int) { you: me { a: id b: id __typename } }").unwrap();
        assert_eq!(aliased, [r#"{"you":{"a":"#, r#","b":"#, r#","__typename":"#]);
    }

    #[test]
    fn whatever_else_stands_in_it_makes_it_another_matter() {
        for text in [
            "{ __typename }",
            "{ me { id } serverInfo { version } }",
            "{ me { id } me { id } }",
            "{ a: me { id } b: me { id } }",
            "{ me { id id } }",
            "{ me { id sessions { totalCount } } }",
            "{ me { identities { id } } }",
            "{ me { nothing } }",
            "{ me { id @skip(if: true) } }",
            "{ me @include(if: true) { id } }",
            "query @a { me { id } }",
            "{ me { ... { id } } }",
            "{ me { ...F } } fragment F on User { id }",
            "{ ... { me { id } } }",
            "{ user(id: 1) { id } }",
            "mutation { me { id } }",
            "subscription { me { id } }",
            "query A { me { id } } query B { me { id } }",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
