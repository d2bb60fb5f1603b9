//! The second gate: what a parsed document would take, with every fragment written out wherever it is used. The library
//! looks at every operation and every fragment of a document, so they are held against the limits together.

use async_graphql::parser::types::{ExecutableDocument, OperationType};

use super::{Refusal, excess, measure::Measure};
use crate::config::Limits;

/// Steps that answering an operation may take, by the table in `steps`: twice what the explorer asks for.
const STEPS: u32 = 30_000;

/// Lists of an introspection within each other: types have fields, which have types, which have fields. As in the rule
/// `MaxIntrospectionDepthRule` of graphql-js.
const LISTS: u32 = 2;

/// What a part of a document takes, fragments written out. Sums stop at the largest number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Fields, and fragments where they are used: whatever the library goes through one by one.
    pub(super) fields: u32,
    /// Fields within each other.
    pub(super) depth: u32,
    /// Braces within each other.
    pub(super) nesting: u32,
    pub(super) aliases: u32,
    pub(super) directives: u32,
    /// Arguments, and the values within them.
    pub(super) values: u32,
    /// How often a variable is put in.
    pub(super) uses: u32,
    /// Lists of an introspection within each other.
    pub(super) lists: u32,
    /// What answering takes.
    pub(super) steps: u32,
    /// Fields at the top of the part.
    pub(super) roots: u32,
    /// Fields at the top of the part that log somebody in.
    pub(super) logins: u32,
}

impl Cost {
    /// Both parts, side by side.
    pub(super) fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            values: self.values.saturating_add(other.values),
            uses: self.uses.saturating_add(other.uses),
            lists: self.lists.max(other.lists),
            steps: self.steps.saturating_add(other.steps),
            roots: self.roots.saturating_add(other.roots),
            logins: self.logins.saturating_add(other.logins),
        }
    }
}

/// Refuses a document that takes too much, and else tells how often it puts a variable in. Fragments nobody uses count:
/// the library looks at them all the same.
pub(super) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<u32, Refusal> {
    let mut measure = Measure::new(document, limits);
    let mut fragments = Cost::default();
    for (name, fragment) in &document.fragments {
        fragments = fragments.beside(measure.fragment(name, fragment.pos, 0)?);
    }
    within(fragments, limits)?;
    let mut operations = Cost::default();
    for (_, operation) in document.operations.iter() {
        let cost = measure.operation(&operation.node)?;
        executable(cost, operation.node.ty, limits)?;
        operations = operations.beside(cost);
    }
    within(operations, limits)?;
    Ok(fragments.uses.saturating_add(operations.uses))
}

/// What a document holds in all.
fn within(cost: Cost, limits: &Limits) -> Result<(), Refusal> {
    for (found, limit, what) in [
        (cost.fields, limits.fields, "fields and fragments, fragments written out"),
        (cost.depth, limits.depth, "fields within each other"),
        (cost.nesting, limits.nesting, "brackets within each other, fragments written out"),
        (cost.aliases, limits.aliases, "aliases"),
        (cost.directives, limits.directives, "directives"),
        (cost.values, limits.tokens, "values, fragments written out"),
    ] {
        if found > limit {
            return Err(excess(what, limit));
        }
    }
    Ok(())
}

/// What one operation may do, whichever of them is executed.
fn executable(cost: Cost, ty: OperationType, limits: &Limits) -> Result<(), Refusal> {
    let (roots, what) = match ty {
        OperationType::Mutation => (limits.mutation_roots, "fields at the root of a mutation"),
        _ => (limits.query_roots, "fields at the root of a query"),
    };
    for (found, limit, what) in [
        (cost.roots, roots, what),
        (cost.logins, 1, "`login` in a mutation"),
        (cost.lists, LISTS, "lists of an introspection within each other"),
        (cost.steps, STEPS, "steps to answer it, what lists hold included"),
    ] {
        if found > limit {
            return Err(excess(what, limit));
        }
    }
    Ok(())
}
