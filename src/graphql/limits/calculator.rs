//! Calculates the cost of a parsed document. Each fragment is calculated once, so the work is linear in the text, while
//! the cost with all fragments expanded may be exponential.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::{super::refusal::Refusal, cost::Cost, field_cost::FieldCost};
use crate::config::Limits;

/// Arguments of one field. The schema's fields have four at most, and the library compares the arguments of like-named
/// fields each with each.
const ARGUMENTS: usize = 30;

/// The longest name quoted to a client, in characters: the client chose it.
const QUOTED_NAME: usize = 100;

/// Calculates the cost of the parts of one document.
pub(super) struct CostCalculator<'a> {
    document: &'a ExecutableDocument,
    limits: &'a Limits,
    /// The cost of each fragment; `None` while it is being calculated, so that a cycle is detected.
    fragments: HashMap<&'a Name, Option<Cost>>,
}

impl<'a> CostCalculator<'a> {
    pub(super) fn new(document: &'a ExecutableDocument, limits: &'a Limits) -> Self {
        Self { document, limits, fragments: HashMap::new() }
    }

    /// The cost of an operation.
    pub(super) fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Cost, Refusal> {
        let content = self.selection_set(&operation.selection_set.node, 0)?;
        Ok(content.plus(of_directives(&operation.directives)))
    }

    /// The cost of a fragment. `place` is the location of the spread, `depth` the number of braces around it.
    pub(super) fn fragment(&mut self, name: &Name, place: Pos, depth: u32) -> Result<Cost, Refusal> {
        // before the library refuses the document, it would search for a missing fragment on every path to this place
        let found = self.document.fragments.get_key_value(name);
        let (name, fragment) = found.ok_or_else(|| undefined(name, place))?;
        match self.fragments.get(name) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => {
                return Err(Refusal::over_limit("fields and fragments, with fragments expanded", self.limits.fields));
            }
            None => {}
        }
        self.fragments.insert(name, None);
        let content = self.selection_set(&fragment.node.selection_set.node, depth)?;
        let cost = content.plus(of_directives(&fragment.node.directives));
        self.fragments.insert(name, Some(cost));
        Ok(cost)
    }

    fn selection_set(&mut self, set: &'a SelectionSet, depth: u32) -> Result<Cost, Refusal> {
        // also limits the recursion of this function
        if depth > self.limits.nesting {
            return Err(Refusal::over_limit("levels of brackets, with fragments expanded", self.limits.nesting));
        }
        let items = set.items.iter();
        items.map(|item| self.selection(item, depth + 1)).try_fold(Cost::default(), |sum, cost| Ok(sum.plus(cost?)))
    }

    fn selection(&mut self, selection: &'a Positioned<Selection>, depth: u32) -> Result<Cost, Refusal> {
        let content = match &selection.node {
            Selection::Field(field) if field.node.arguments.len() > ARGUMENTS => {
                return Err(Refusal::over_limit("arguments of a field", ARGUMENTS));
            }
            Selection::Field(field) => {
                of_field(&field.node, self.selection_set(&field.node.selection_set.node, depth)?)
            }
            Selection::InlineFragment(fragment) => {
                of_spread(self.selection_set(&fragment.node.selection_set.node, depth)?)
            }
            Selection::FragmentSpread(spread) => {
                of_spread(self.fragment(&spread.node.fragment_name.node, selection.pos, depth)?)
            }
        };
        Ok(content.plus(of_directives(selection.node.directives())))
    }
}

/// A field and its content.
fn of_field(field: &Field, content: Cost) -> Cost {
    let own = FieldCost::of(&field.name.node);
    let arguments = of_arguments(&field.arguments);
    Cost {
        fields: content.fields.saturating_add(1),
        depth: content.depth.saturating_add(1),
        nesting: content.nesting.saturating_add(u32::from(!field.selection_set.node.items.is_empty())),
        aliases: content.aliases.saturating_add(u32::from(field.alias.is_some())),
        values: content.values.saturating_add(arguments.values),
        // the library copies a variable again for each item of a list
        variable_usages: content.variable_usages.saturating_mul(own.items).saturating_add(arguments.variable_usages),
        introspection_lists: content.introspection_lists.saturating_add(u32::from(own.is_introspection_list)),
        execution: content.execution.saturating_mul(own.items).saturating_add(own.base),
        root_fields: 1,
        logins: u32::from(field.name.node == "login"),
        ..content
    }
}

/// A fragment where it is spread. An empty one costs too: the library visits it.
fn of_spread(content: Cost) -> Cost {
    Cost { fields: content.fields.saturating_add(1), nesting: content.nesting.saturating_add(1), ..content }
}

fn of_directives(directives: &[Positioned<Directive>]) -> Cost {
    let arguments = directives.iter().map(|directive| of_arguments(&directive.node.arguments));
    let directives = u32::try_from(directives.len()).unwrap_or(u32::MAX);
    Cost { directives, ..arguments.fold(Cost::default(), Cost::plus) }
}

fn of_arguments(arguments: &[(Positioned<Name>, Positioned<Value>)]) -> Cost {
    arguments.iter().map(|(_, value)| of_value(&value.node)).fold(Cost::default(), Cost::plus)
}

fn of_value(value: &Value) -> Cost {
    let content = match value {
        Value::Variable(_) => Cost { variable_usages: 1, ..Cost::default() },
        Value::List(items) => items.iter().map(of_value).fold(Cost::default(), Cost::plus),
        Value::Object(fields) => fields.values().map(of_value).fold(Cost::default(), Cost::plus),
        _ => Cost::default(),
    };
    Cost { values: content.values.saturating_add(1), ..content }
}

fn undefined(name: &Name, place: Pos) -> Refusal {
    let name: String = name.chars().take(QUOTED_NAME).collect();
    Refusal::invalid(format!("There is no fragment `{name}`."), place)
}
