//! Checks the arguments that hold a variable and more. Where the variable is not given, the library looks at nothing
//! beside it either, and notices only when the resolver runs, after others have done their work.

use std::convert::Infallible;

use async_graphql::{
    Name, Positioned, Value as Const,
    parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::{document::Refusal, fit::Unfit, types::Types};
use crate::error::{ApiError, Code};

/// Checks the literal parts of every argument of a document, used or not.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED` with the path of the first that does not fit.
pub(super) fn check(document: &ExecutableDocument, types: &Types) -> Result<(), Refusal> {
    for (_, operation) in document.operations.iter() {
        let root = match operation.node.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        check_set(&operation.node.selection_set.node, Some(&Name::new(root)), types)?;
    }
    document.fragments.values().try_for_each(|fragment| {
        let ty = &fragment.node.type_condition.node.on.node;
        check_set(&fragment.node.selection_set.node, Some(ty), types)
    })
}

/// Checks what is selected of a type. Of a type that is not known, there is nothing to be held against.
fn check_set(set: &SelectionSet, ty: Option<&Name>, types: &Types) -> Result<(), Refusal> {
    set.items.iter().try_for_each(|item| match &item.node {
        Selection::Field(field) => check_field(field, ty, types),
        Selection::InlineFragment(fragment) => {
            let narrowed = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
            check_set(&fragment.node.selection_set.node, narrowed.or(ty), types)
        }
        // the fragment is looked at by itself
        Selection::FragmentSpread(_) => Ok(()),
    })
}

fn check_field(field: &Positioned<Field>, ty: Option<&Name>, types: &Types) -> Result<(), Refusal> {
    let signature = ty.and_then(|ty| types.field(ty, &field.node.name.node));
    for (name, value) in field.node.arguments.iter().filter(|(_, value)| holds_variable(&value.node)) {
        let input = signature.and_then(|signature| signature.arguments.iter().find(|input| input.name == name.node));
        let fits = input.map_or(Ok(()), |input| types.fit(&with_stand_ins(&value.node), &input.ty));
        fits.map_err(|unfit| unfitting(&unfit, name))?;
    }
    check_set(&field.node.selection_set.node, signature.map(|signature| &signature.ty), types)
}

fn holds_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(holds_variable),
        Value::Object(fields) => fields.values().any(holds_variable),
        _ => false,
    }
}

/// The value with bytes in the place of variables, which fit anywhere.
fn with_stand_ins(value: &Value) -> Const {
    let stand_in = |_| Ok::<_, Infallible>(Const::Binary("".into()));
    value.clone().into_const_with(stand_in).unwrap_or_else(|never| match never {})
}

fn unfitting(unfit: &Unfit, name: &Positioned<Name>) -> Refusal {
    let detail = unfit.of("argument", &name.node);
    Refusal { error: ApiError::new(Code::GraphqlValidationFailed).detail(detail), places: vec![name.pos] }
}
