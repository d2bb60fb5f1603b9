//! The limits of documents. Each document is checked against them before the library validates it, because the library
//! applies its own limits only after work that a short text can make almost endless. `lexical` checks the text before
//! it is parsed; `calculator` then adds up the `Cost` of the parsed document, with the cost of each field from
//! `field_cost`.

mod calculator;
mod cost;
mod field_cost;
pub(super) mod lexical;
#[cfg(test)]
mod tests;
pub(super) mod variables;

use async_graphql::parser::types::{ExecutableDocument, OperationType};

use super::refusal::Refusal;
use crate::config::Limits;
use calculator::CostCalculator;
use cost::Cost;

/// The maximum execution cost of an operation, by the table in `field_cost`: twice that of GraphiQL's introspection
/// query.
const EXECUTION_COST: u32 = 30_000;

/// Lists of an introspection within each other: types have fields, which have types, which have fields. The same as in
/// the rule `MaxIntrospectionDepthRule` of graphql-js.
const INTROSPECTION_LISTS: u32 = 2;

/// Refuses a document that costs too much. Otherwise returns how often it uses a variable. The library looks at every
/// operation and every fragment of a document, used or not, so all of them count.
pub(super) fn check_cost(document: &ExecutableDocument, limits: &Limits) -> Result<u32, Refusal> {
    let mut calculator = CostCalculator::new(document, limits);
    let mut fragments = Cost::default();
    for (name, fragment) in &document.fragments {
        fragments = fragments.plus(calculator.fragment(name, fragment.pos, 0)?);
    }
    check_total(fragments, limits)?;
    let mut operations = Cost::default();
    for (_, operation) in document.operations.iter() {
        let cost = calculator.operation(&operation.node)?;
        check_operation(cost, operation.node.ty, limits)?;
        operations = operations.plus(cost);
    }
    check_total(operations, limits)?;
    Ok(fragments.variable_usages.saturating_add(operations.variable_usages))
}

/// Checks the total cost of all operations, or of all fragments, of a document.
fn check_total(cost: Cost, limits: &Limits) -> Result<(), Refusal> {
    check_each(&[
        (cost.fields, limits.fields, "fields and fragments, with fragments expanded"),
        (cost.depth, limits.depth, "levels of fields"),
        (cost.nesting, limits.nesting, "levels of brackets, with fragments expanded"),
        (cost.aliases, limits.aliases, "aliases"),
        (cost.directives, limits.directives, "directives"),
        (cost.values, limits.tokens, "values, with fragments expanded"),
    ])
}

/// Checks the cost of one operation. A client may execute any operation of a document.
fn check_operation(cost: Cost, ty: OperationType, limits: &Limits) -> Result<(), Refusal> {
    let (root_fields, what) = match ty {
        OperationType::Mutation => (limits.mutation_roots, "root fields in a mutation"),
        _ => (limits.query_roots, "root fields in a query"),
    };
    check_each(&[
        (cost.root_fields, root_fields, what),
        (cost.logins, 1, "`login` in a mutation"),
        (cost.introspection_lists, INTROSPECTION_LISTS, "levels of lists in an introspection"),
        (cost.execution, EXECUTION_COST, "units of execution cost, with lists at their full length"),
    ])
}

fn check_each(amounts: &[(u32, u32, &str)]) -> Result<(), Refusal> {
    match amounts.iter().find(|(amount, limit, _)| amount > limit) {
        Some((_, limit, what)) => Err(Refusal::over_limit(what, limit)),
        None => Ok(()),
    }
}
