//! The second gate: what executing a parsed document would take, with every fragment written out wherever it is used.
//! Each fragment is measured once, so the measuring is linear in the text, while what it measures may be exponential.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, OperationType, Selection, SelectionSet},
};

use super::{Refusal, excess};
use crate::config::Limits;

/// Selection sets within each other, fragments written out, that are worth following: far beyond every limit, and far
/// from the end of the stack.
const DEEPEST: u32 = 200;

/// What a part of a document takes. Sums stop at the largest number, which is also what a fragment within itself takes.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    fields: u32,
    depth: u32,
    aliases: u32,
    directives: u32,
    /// Fields at the top of the part.
    roots: u32,
    /// Fields at the top of the part that log somebody in.
    logins: u32,
}

const ENDLESS: Cost =
    Cost { fields: u32::MAX, depth: u32::MAX, aliases: u32::MAX, directives: u32::MAX, roots: u32::MAX, logins: 0 };

impl Cost {
    /// Both parts, side by side.
    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            depth: self.depth.max(other.depth),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            roots: self.roots.saturating_add(other.roots),
            logins: self.logins.saturating_add(other.logins),
        }
    }

    /// The part as the content of a field.
    fn within(self, aliased: bool, login: bool) -> Self {
        Self {
            fields: self.fields.saturating_add(1),
            depth: self.depth.saturating_add(1),
            aliases: self.aliases.saturating_add(u32::from(aliased)),
            roots: 1,
            logins: u32::from(login),
            ..self
        }
    }

    fn directed(self, directives: &[Positioned<Directive>]) -> Self {
        let more = u32::try_from(directives.len()).unwrap_or(u32::MAX);
        Self { directives: self.directives.saturating_add(more), ..self }
    }
}

/// Refuses a document that takes too much. Fragments nobody uses are measured too: the library looks at them all.
pub(super) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<(), Refusal> {
    let mut measure = Measure { document, fragments: HashMap::new() };
    for name in document.fragments.keys() {
        within(measure.fragment(name, 0), limits)?;
    }
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let cost = measure.set(&operation.selection_set.node, 0).directed(&operation.directives);
        within(cost, limits)?;
        match operation.ty {
            OperationType::Mutation if cost.roots > limits.mutation_roots => {
                return Err(excess("fields at the root of a mutation", limits.mutation_roots));
            }
            OperationType::Mutation if cost.logins > 1 => return Err(excess("`login` in a mutation", 1)),
            _ if cost.roots > limits.query_roots => {
                return Err(excess("fields at the root of a query", limits.query_roots));
            }
            _ => {}
        }
    }
    Ok(())
}

fn within(cost: Cost, limits: &Limits) -> Result<(), Refusal> {
    for (found, limit, what) in [
        (cost.fields, limits.fields, "fields, fragments written out"),
        (cost.depth, limits.depth, "fields within each other"),
        (cost.aliases, limits.aliases, "aliases"),
        (cost.directives, limits.directives, "directives"),
    ] {
        if found > limit {
            return Err(excess(what, limit));
        }
    }
    Ok(())
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    /// What each fragment takes; `None` while it is being measured, so that one within itself is noticed.
    fragments: HashMap<&'a Name, Option<Cost>>,
}

impl<'a> Measure<'a> {
    fn set(&mut self, set: &'a SelectionSet, depth: u32) -> Cost {
        if depth > DEEPEST {
            return ENDLESS;
        }
        let mut cost = Cost::default();
        for item in &set.items {
            cost = cost.beside(self.selection(&item.node, depth + 1));
        }
        cost
    }

    fn selection(&mut self, selection: &'a Selection, depth: u32) -> Cost {
        let cost = match selection {
            Selection::Field(field) => {
                let field = &field.node;
                let content = self.set(&field.selection_set.node, depth);
                content.within(field.alias.is_some(), field.name.node == "login")
            }
            Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, depth),
            Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, depth),
        };
        cost.directed(selection.directives())
    }

    fn fragment(&mut self, name: &Name, depth: u32) -> Cost {
        // a fragment that is not there takes nothing; validation refuses the document
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Cost::default() };
        match self.fragments.get(name) {
            Some(Some(cost)) => return *cost,
            Some(None) => return ENDLESS,
            None => {}
        }
        self.fragments.insert(name, None);
        let fragment = &fragment.node;
        let cost = self.set(&fragment.selection_set.node, depth).directed(&fragment.directives);
        self.fragments.insert(name, Some(cost));
        cost
    }
}
