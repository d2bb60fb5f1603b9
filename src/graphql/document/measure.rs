//! Measures what a parsed document takes. Each fragment is measured once, so that measuring is linear in the text, while
//! what it measures may be exponential.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::{Refusal, cost::Cost, excess, steps::Steps};
use crate::{
    config::Limits,
    error::{ApiError, Code},
};

/// Arguments of one field: it has four at the most, and the library compares those of like-named fields each with each.
const ARGUMENTS: usize = 30;

/// The longest name told to a client, in characters: it is the client's own word.
const NAME: usize = 100;

/// Measures the parts of one document.
pub(super) struct Measure<'a> {
    document: &'a ExecutableDocument,
    limits: &'a Limits,
    /// What each fragment takes; `None` while it is being measured, so that one within itself is noticed.
    fragments: HashMap<&'a Name, Option<Cost>>,
}

impl<'a> Measure<'a> {
    pub(super) fn new(document: &'a ExecutableDocument, limits: &'a Limits) -> Self {
        Self { document, limits, fragments: HashMap::new() }
    }

    /// What an operation takes.
    pub(super) fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Cost, Refusal> {
        let content = self.set(&operation.selection_set.node, 0)?;
        Ok(content.beside(directed(&operation.directives)))
    }

    /// What a fragment takes that is used at a place, so deep in braces.
    pub(super) fn fragment(&mut self, name: &Name, place: Pos, depth: u32) -> Result<Cost, Refusal> {
        // the library would look for it on every path that leads here, and only then refuse the document
        let found = self.document.fragments.get_key_value(name);
        let (name, fragment) = found.ok_or_else(|| undefined(name, place))?;
        match self.fragments.get(name) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => return Err(excess("fields and fragments, fragments written out", self.limits.fields)),
            None => {}
        }
        self.fragments.insert(name, None);
        let content = self.set(&fragment.node.selection_set.node, depth)?;
        let cost = content.beside(directed(&fragment.node.directives));
        self.fragments.insert(name, Some(cost));
        Ok(cost)
    }

    fn set(&mut self, set: &'a SelectionSet, depth: u32) -> Result<Cost, Refusal> {
        // far from the end of the stack
        if depth > self.limits.nesting {
            return Err(excess("brackets within each other, fragments written out", self.limits.nesting));
        }
        let items = set.items.iter();
        items.map(|item| self.selection(item, depth + 1)).try_fold(Cost::default(), |sum, cost| Ok(sum.beside(cost?)))
    }

    fn selection(&mut self, selection: &'a Positioned<Selection>, depth: u32) -> Result<Cost, Refusal> {
        let content = match &selection.node {
            Selection::Field(field) if field.node.arguments.len() > ARGUMENTS => {
                return Err(excess("arguments of a field", ARGUMENTS));
            }
            Selection::Field(field) => field_of(&field.node, self.set(&field.node.selection_set.node, depth)?),
            Selection::InlineFragment(fragment) => part_of(self.set(&fragment.node.selection_set.node, depth)?),
            Selection::FragmentSpread(spread) => {
                part_of(self.fragment(&spread.node.fragment_name.node, selection.pos, depth)?)
            }
        };
        Ok(content.beside(directed(selection.node.directives())))
    }
}

/// A field with what it holds.
fn field_of(field: &Field, content: Cost) -> Cost {
    let steps = Steps::of(&field.name.node);
    let arguments = arguments(&field.arguments);
    Cost {
        fields: content.fields.saturating_add(1),
        depth: content.depth.saturating_add(1),
        nesting: content.nesting.saturating_add(u32::from(!field.selection_set.node.items.is_empty())),
        aliases: content.aliases.saturating_add(u32::from(field.alias.is_some())),
        values: content.values.saturating_add(arguments.values),
        // put in again for each thing in the list
        uses: content.uses.saturating_mul(steps.times).saturating_add(arguments.uses),
        lists: content.lists.saturating_add(u32::from(steps.is_list_of_types)),
        steps: content.steps.saturating_mul(steps.times).saturating_add(steps.own),
        roots: 1,
        logins: u32::from(field.name.node == "login"),
        ..content
    }
}

/// A fragment where it is used. It costs even when it holds nothing: a way to it is a way the library goes.
fn part_of(content: Cost) -> Cost {
    Cost { fields: content.fields.saturating_add(1), nesting: content.nesting.saturating_add(1), ..content }
}

fn directed(directives: &[Positioned<Directive>]) -> Cost {
    let arguments = directives.iter().map(|directive| arguments(&directive.node.arguments));
    Cost { directives: small(directives.len()), ..arguments.fold(Cost::default(), Cost::beside) }
}

fn arguments(arguments: &[(Positioned<Name>, Positioned<Value>)]) -> Cost {
    arguments.iter().map(|(_, value)| value_of(&value.node)).fold(Cost::default(), Cost::beside)
}

fn value_of(value: &Value) -> Cost {
    let content = match value {
        Value::Variable(_) => Cost { uses: 1, ..Cost::default() },
        Value::List(items) => items.iter().map(value_of).fold(Cost::default(), Cost::beside),
        Value::Object(fields) => fields.values().map(value_of).fold(Cost::default(), Cost::beside),
        _ => Cost::default(),
    };
    Cost { values: content.values.saturating_add(1), ..content }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn undefined(name: &Name, place: Pos) -> Refusal {
    let name: String = name.chars().take(NAME).collect();
    let error = ApiError::new(Code::GraphqlValidationFailed).detail(format!("There is no fragment `{name}`."));
    Refusal { error, places: vec![place] }
}
