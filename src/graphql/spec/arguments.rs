//! Checks the arguments that contain a variable: whether it may be used there, and the literals next to it (GraphQL
//! 5.8.5, "All Variable Usages Are Allowed"; 5.6.1, "Values of Correct Type"). The library does not check a variable
//! within a list or an input object, and checks the literals next to it only if the client sent the variable. It would
//! find the mismatch when the resolver runs, after others have done their work.

use std::{collections::HashSet, convert::Infallible};

use async_graphql::{
    Name, Positioned, Value as Const,
    parser::types::{
        BaseType, Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
        Type,
    },
};
use async_graphql_value::Value;

use super::{
    super::refusal::Refusal,
    coerce::{Coercion, TypeMismatch},
    types::{Input, Types},
};

/// Checks the arguments of every operation of a document, and of the fragments it uses.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED` with the path of the first mismatch.
pub(super) fn check(document: &ExecutableDocument, types: &Types) -> Result<(), Refusal> {
    document.operations.iter().try_for_each(|(_, operation)| {
        let operation = &operation.node;
        let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
        let variables = definitions.map(|definition| (definition.name.node.as_str(), definition)).collect();
        let coercion = Coercion { types, variables };
        let condition = Input { name: Name::new("if"), ty: boolean(), has_default: false };
        ArgumentVisitor { document, coercion, condition, visited: HashSet::new() }.operation(operation)
    })
}

/// Visits the arguments of one operation.
struct ArgumentVisitor<'a> {
    document: &'a ExecutableDocument,
    coercion: Coercion<'a>,
    /// The argument of `@skip` and `@include`.
    condition: Input,
    /// The fragments it has visited.
    visited: HashSet<&'a Name>,
}

impl<'a> ArgumentVisitor<'a> {
    fn operation(mut self, operation: &'a OperationDefinition) -> Result<(), Refusal> {
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        self.selection_set(&operation.selection_set.node, Some(&Name::new(root)))
    }

    /// Visits what is selected of a type. A field of an unknown type is unknown, too: the library reports it.
    fn selection_set(&mut self, set: &'a SelectionSet, ty: Option<&Name>) -> Result<(), Refusal> {
        set.items.iter().try_for_each(|item| {
            self.directives(item.node.directives())?;
            match &item.node {
                Selection::Field(field) => self.field(&field.node, ty),
                Selection::InlineFragment(fragment) => {
                    let narrowed = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                    self.selection_set(&fragment.node.selection_set.node, narrowed.or(ty))
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            }
        })
    }

    fn fragment(&mut self, name: &'a Name) -> Result<(), Refusal> {
        let document = self.document;
        match document.fragments.get(name) {
            Some(fragment) if self.visited.insert(name) => {
                let ty = &fragment.node.type_condition.node.on.node;
                self.selection_set(&fragment.node.selection_set.node, Some(ty))
            }
            _ => Ok(()),
        }
    }

    fn field(&mut self, field: &'a Field, ty: Option<&Name>) -> Result<(), Refusal> {
        let types = self.coercion.types;
        let signature = ty.and_then(|ty| types.field(ty, &field.name.node));
        let inputs = signature.map_or(&[][..], |signature| &signature.arguments);
        self.arguments(&field.arguments, inputs)?;
        self.selection_set(&field.selection_set.node, signature.map(|signature| &signature.ty))
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), Refusal> {
        let inputs = std::slice::from_ref(&self.condition);
        let mut conditions = directives.iter().filter(|it| matches!(it.node.name.node.as_str(), "skip" | "include"));
        conditions.try_for_each(|directive| self.arguments(&directive.node.arguments, inputs))
    }

    fn arguments(&self, given: &[(Positioned<Name>, Positioned<Value>)], inputs: &[Input]) -> Result<(), Refusal> {
        for (name, value) in given.iter().filter(|(_, value)| contains_variable(&value.node)) {
            let input = inputs.iter().find(|input| input.name == name.node);
            let coerced = input.map_or(Ok(()), |input| self.coercion.coerce_input(&with_stand_ins(&value.node), input));
            coerced.map_err(|mismatch| refusal(&mismatch, name))?;
        }
        Ok(())
    }
}

/// `Boolean!`
fn boolean() -> Type {
    Type { base: BaseType::Named(Name::new("Boolean")), nullable: false }
}

fn contains_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(contains_variable),
        Value::Object(fields) => fields.values().any(contains_variable),
        _ => false,
    }
}

/// The value with each variable replaced by its name as bytes.
fn with_stand_ins(value: &Value) -> Const {
    let stand_in = |name: Name| Ok::<_, Infallible>(Const::Binary(name.to_string().into()));
    value.clone().into_const_with(stand_in).unwrap_or_else(|never| match never {})
}

fn refusal(mismatch: &TypeMismatch, name: &Positioned<Name>) -> Refusal {
    Refusal::invalid(mismatch.describe("argument", &name.node), name.pos)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::{super::library::execute, *};
    use crate::error::Code;

    const SDL: &str = "type Query { id(id: ID!): Query ids(ids: [ID!]!): Query many(of: [[Int]]): Query device(it: Device): Int
                        page(first: Int! = 20, scope: Scope): Int }
                       enum Scope { ALL CURRENT } input Device { id: String! name: String size: Int! = 1 inner: Device }";

    /// The error detail of a query that is refused.
    fn refused(text: &str) -> Option<String> {
        let refusal = check(&parse_query(text).unwrap(), &Types::from_sdl(SDL)).err()?;
        assert_eq!((refusal.error.code, refusal.places.len()), (Code::GraphqlValidationFailed, 1), "{text}");
        refusal.error.detail.map(Into::into)
    }

    #[test]
    fn variable_is_allowed_where_its_type_is() {
        for text in [
            "query($v: ID!) { id(id: $v) ids(ids: [$v, \"x\"]) { id(id: $v) } }",
            "query($v: ID = \"x\") { id(id: $v) }",
            "query($v: [ID!]!) { ids(ids: $v) }",
            "query($v: [Int!], $w: [[Int!]!]!, $x: Int) { many(of: [$v]) many(of: $w) many(of: [[$x, 1]]) }",
            "query($v: Device, $w: String!, $x: Int) { device(it: $v) device(it: { id: $w, size: $x, inner: $v }) }",
            "query($v: Int, $w: Scope) { page(first: $v, scope: $w) }",
            "query($v: Boolean!, $w: Boolean = true) { a: id(id: 1) @skip(if: $v) ... @include(if: $w) { b: id(id: 1) } }",
            // unknown names are for the library to report
            "query { id(id: $v, x: $v) nothing(id: [$v]) { id(id: {}) } ...F } fragment G on Query { id(id: [$v]) }",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
    }

    #[test]
    fn variable_of_another_type_is_refused() {
        for (text, path) in [
            ("query($v: ID) { id(id: $v) }", "id"),
            ("query($v: ID = null) { id(id: $v) }", "id"),
            ("query($v: String!) { id(id: $v) }", "id"),
            ("query($v: [ID!]!) { id(id: $v) }", "id"),
            ("query($v: ID!) { ids(ids: $v) }", "ids"),
            ("query($v: ID) { ids(ids: [\"x\", $v]) }", "ids[1]"),
            ("query($v: [ID]!) { ids(ids: $v) }", "ids"),
            ("query($v: [Int]) { many(of: $v) }", "of"),
            ("query($v: String) { device(it: { id: $v }) }", "it.id"),
            ("query($v: Boolean) { id(id: 1) @skip(if: $v) }", "if"),
            ("query($v: Int) { ... @include(if: $v) { id(id: 1) } }", "if"),
            ("query A($v: ID!) { ...F } query B($v: ID) { ...F } fragment F on Query { id(id: $v) }", "id"),
            ("query($v: ID) { ... on Query { id(id: 1) { ...F } } } fragment F on Query { id(id: $v) }", "id"),
        ] {
            assert!(refused(text).unwrap_or_default().contains(&format!("`{path}`")), "{text} {:?}", refused(text));
        }
    }

    #[test]
    fn literals_next_to_a_variable_are_checked() {
        for (argument, path) in [
            ("{ id: 5, name: $v }", "it.id"),
            ("{ name: $v }", "it.id"),
            ("{ id: \"a\", name: $v, other: 1 }", "it.other"),
            ("{ id: \"a\", inner: { id: \"b\", name: $v, size: true } }", "it.inner.size"),
            ("[{ id: \"a\", name: $v }]", "it"),
        ] {
            let text = format!("query($v: String) {{ device(it: {argument}) }}");
            assert!(refused(&text).unwrap_or_default().contains(&format!("`{path}`")), "{text} {:?}", refused(&text));
        }
    }
    const FIXED: &str = "the library refuses the document now: delete src/graphql/spec/arguments.rs";

    /// Whether the library runs resolvers before it notices a fault: then its validation has let the document pass.
    async fn executes_before_the_fault(text: &str) -> bool {
        let (response, first) = execute(text, json!({})).await;
        first == 1 && !response.errors.is_empty()
    }

    #[tokio::test]
    async fn library_still_accepts_nullable_variable_in_non_null_position_of_an_input_object() {
        assert!(executes_before_the_fault("mutation($v: String) { first device(it: { id: $v }) }").await, "{FIXED}");
    }

    #[tokio::test]
    async fn library_still_accepts_nullable_variable_in_non_null_position_of_a_list() {
        assert!(executes_before_the_fault("mutation($v: ID) { first ids(ids: [\"x\", $v]) }").await, "{FIXED}");
    }

    #[tokio::test]
    async fn library_still_accepts_wrong_literal_next_to_a_variable_without_a_value() {
        assert!(
            executes_before_the_fault("mutation($v: String) { first device(it: { id: 5, name: $v }) }").await,
            "{FIXED}"
        );
    }
}
