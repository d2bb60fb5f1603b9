//! Checks the arguments that hold a variable: whether it may stand there, and what stands beside it. The library does not
//! look at the first, and at the second only where the variable is given. It would notice when the resolver runs, after
//! others have done their work.

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
    document::Refusal,
    fit::{Fitting, Unfit},
    types::{Input, Types},
};
use crate::error::{ApiError, Code};

/// Checks the arguments of every operation of a document, and of the fragments it uses.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED` with the path of the first that does not fit.
pub(super) fn check(document: &ExecutableDocument, types: &Types) -> Result<(), Refusal> {
    document.operations.iter().try_for_each(|(_, operation)| {
        let operation = &operation.node;
        let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
        let variables = definitions.map(|definition| (definition.name.node.as_str(), definition)).collect();
        let fitting = Fitting { types, variables };
        let condition = Input { name: Name::new("if"), ty: boolean(), has_default: false };
        Walk { document, fitting, condition, seen: HashSet::new() }.operation(operation)
    })
}

/// A walk over what one operation holds.
struct Walk<'a> {
    document: &'a ExecutableDocument,
    fitting: Fitting<'a>,
    /// The argument of `@skip` and `@include`.
    condition: Input,
    /// The fragments it has come by.
    seen: HashSet<&'a Name>,
}

impl<'a> Walk<'a> {
    fn operation(mut self, operation: &'a OperationDefinition) -> Result<(), Refusal> {
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        self.set(&operation.selection_set.node, Some(&Name::new(root)))
    }

    /// What is selected of a type. Of one that is not known, nothing is either.
    fn set(&mut self, set: &'a SelectionSet, ty: Option<&Name>) -> Result<(), Refusal> {
        set.items.iter().try_for_each(|item| {
            self.directives(item.node.directives())?;
            match &item.node {
                Selection::Field(field) => self.field(&field.node, ty),
                Selection::InlineFragment(fragment) => {
                    let narrowed = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                    self.set(&fragment.node.selection_set.node, narrowed.or(ty))
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            }
        })
    }

    fn fragment(&mut self, name: &'a Name) -> Result<(), Refusal> {
        let document = self.document;
        match document.fragments.get(name) {
            Some(fragment) if self.seen.insert(name) => {
                let ty = &fragment.node.type_condition.node.on.node;
                self.set(&fragment.node.selection_set.node, Some(ty))
            }
            _ => Ok(()),
        }
    }

    fn field(&mut self, field: &'a Field, ty: Option<&Name>) -> Result<(), Refusal> {
        let types = self.fitting.types;
        let signature = ty.and_then(|ty| types.field(ty, &field.name.node));
        let inputs = signature.map_or(&[][..], |signature| &signature.arguments);
        self.arguments(&field.arguments, inputs)?;
        self.set(&field.selection_set.node, signature.map(|signature| &signature.ty))
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), Refusal> {
        let inputs = std::slice::from_ref(&self.condition);
        let mut conditions = directives.iter().filter(|it| matches!(it.node.name.node.as_str(), "skip" | "include"));
        conditions.try_for_each(|directive| self.arguments(&directive.node.arguments, inputs))
    }

    fn arguments(&self, given: &[(Positioned<Name>, Positioned<Value>)], inputs: &[Input]) -> Result<(), Refusal> {
        for (name, value) in given.iter().filter(|(_, value)| holds_variable(&value.node)) {
            let input = inputs.iter().find(|input| input.name == name.node);
            let fits = input.map_or(Ok(()), |input| self.fitting.fit_input(&with_stand_ins(&value.node), input));
            fits.map_err(|unfit| unfitting(&unfit, name))?;
        }
        Ok(())
    }
}

/// `Boolean!`
fn boolean() -> Type {
    Type { base: BaseType::Named(Name::new("Boolean")), nullable: false }
}

fn holds_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(holds_variable),
        Value::Object(fields) => fields.values().any(holds_variable),
        _ => false,
    }
}

/// The value with the names of variables, as bytes, in their place.
fn with_stand_ins(value: &Value) -> Const {
    let stand_in = |name: Name| Ok::<_, Infallible>(Const::Binary(name.to_string().into()));
    value.clone().into_const_with(stand_in).unwrap_or_else(|never| match never {})
}

fn unfitting(unfit: &Unfit, name: &Positioned<Name>) -> Refusal {
    let detail = unfit.of("argument", &name.node);
    Refusal { error: ApiError::new(Code::GraphqlValidationFailed).detail(detail), places: vec![name.pos] }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    const SDL: &str = "type Query { id(id: ID!): Query ids(ids: [ID!]!): Query many(of: [[Int]]): Query device(it: Device): Int
                        page(first: Int! = 20, scope: Scope): Int }
                       enum Scope { ALL CURRENT } input Device { id: String! name: String size: Int! = 1 inner: Device }";

    /// Why a query is refused.
    fn refused(text: &str) -> Option<String> {
        let refusal = check(&parse_query(text).unwrap(), &Types::of_sdl(SDL)).err()?;
        assert_eq!((refusal.error.code, refusal.places.len()), (Code::GraphqlValidationFailed, 1), "{text}");
        refusal.error.detail.map(Into::into)
    }

    #[test]
    fn a_variable_stands_where_its_type_may() {
        for text in [
            "query($v: ID!) { id(id: $v) ids(ids: [$v, \"x\"]) { id(id: $v) } }",
            "query($v: ID = \"x\") { id(id: $v) }",
            "query($v: [ID!]!) { ids(ids: $v) }",
            "query($v: [Int!], $w: [[Int!]!]!, $x: Int) { many(of: [$v]) many(of: $w) many(of: [[$x, 1]]) }",
            "query($v: Device, $w: String!, $x: Int) { device(it: $v) device(it: { id: $w, size: $x, inner: $v }) }",
            "query($v: Int, $w: Scope) { page(first: $v, scope: $w) }",
            "query($v: Boolean!, $w: Boolean = true) { a: id(id: 1) @skip(if: $v) ... @include(if: $w) { b: id(id: 1) } }",
            // others look at what is not known
            "query { id(id: $v, x: $v) nothing(id: [$v]) { id(id: {}) } ...F } fragment G on Query { id(id: [$v]) }",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
    }

    #[test]
    fn a_variable_does_not_stand_where_it_may_not() {
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
    fn literals_beside_a_variable_are_held_against_their_types() {
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
}
