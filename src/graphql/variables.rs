//! Checks variables before any resolver runs: what a document says of them, and the values that come with a request. The
//! library would notice a wrong value only when the resolver that wants it runs, after others have done their work.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Value, Variables,
    parser::types::{ExecutableDocument, OperationDefinition},
};

use super::{
    document::{Document, Refusal},
    fit::{Fitting, Unfit},
    types::{Types, innermost},
};
use crate::error::{ApiError, Code};

/// Memory the library may fill with copies of the variables of one request, in bytes: it makes one wherever a variable is
/// put in.
const COPIES: usize = 4 * 1024 * 1024;

/// Checks what the operations of a document say of their variables, whichever of them is to run. The library would ask for
/// the value of each as often as it is defined, and end in a panic over one of a type there is not.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`
pub(super) fn check_definitions(document: &ExecutableDocument, types: &Types) -> Result<(), Refusal> {
    document.operations.iter().try_for_each(|(_, operation)| {
        let mut names = HashSet::new();
        operation.node.variable_definitions.iter().try_for_each(|definition| {
            let what = if types.input(innermost(&definition.node.var_type.node)).is_none() {
                "A variable is of a type that cannot be put in."
            } else if !names.insert(&definition.node.name.node) {
                "A variable is defined twice."
            } else {
                return Ok(());
            };
            let error = ApiError::new(Code::GraphqlValidationFailed).detail(what);
            Err(Refusal { error, places: vec![definition.pos] })
        })
    })
}

/// Checks the values of the variables an operation of the document declares.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE`; `BAD_USER_INPUT` with the path of the first value that does not fit.
pub(super) fn check_values(
    document: &Document,
    operation: &OperationDefinition,
    variables: &Variables,
    types: &Types,
) -> Result<(), ApiError> {
    let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
    let defaults = definitions.clone().filter_map(|definition| Some(&definition.default_value.as_ref()?.node));
    let size: usize = variables.values().chain(defaults).map(size).sum();
    if size.saturating_mul(usize::try_from(document.uses).unwrap_or(usize::MAX)) > COPIES {
        let detail = "The variables are too long for how often they are used.";
        return Err(ApiError::new(Code::QueryTooExpensive).detail(detail));
    }
    // no variable stands in the value of another
    let fitting = Fitting { types, variables: HashMap::new() };
    for definition in definitions {
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let fits = match variables.get(name) {
            None if definition.default_value.is_some() || ty.nullable => Ok(()),
            None => Err(Unfit::must_be(ty)),
            Some(value) => fitting.fit(value, ty),
        };
        fits.map_err(|unfit| ApiError::new(Code::BadUserInput).detail(unfit.of("variable", &format!("${name}"))))?;
    }
    Ok(())
}

/// Memory a value takes, in bytes.
fn size(value: &Value) -> usize {
    let content = match value {
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + size_of_val(name) + size(value)).sum(),
        _ => 0,
    };
    size_of::<Value>() + content
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{config::Limits, graphql::document::Documents};

    const SDL: &str = "type Query { node(id: ID!): Int } enum Scope { ALL CURRENT } input Device { id: String! name: String tags: [Int!] inner: Device }";

    fn check(declared: &str, variables: Json) -> Result<(), ApiError> {
        let text = format!("query({declared}) {{ __typename }}");
        let document = Documents::new(Limits::default(), None).admit(&text).unwrap();
        let operation = document.parsed.operations.iter().next().unwrap().1.node.clone();
        check_values(&document, &operation, &Variables::from_json(variables), &Types::of_sdl(SDL))
    }

    #[test]
    fn values_that_fit_pass() {
        for (declared, value) in [
            ("$v: String!", json!("x")),
            ("$v: ID!", json!(7)),
            ("$v: Int", json!(null)),
            ("$v: [ID!]!", json!("one")),
            ("$v: Scope!", json!("ALL")),
            ("$v: Device!", json!({ "id": "a", "tags": [1, 2], "inner": { "id": "b", "name": null } })),
        ] {
            assert!(check(declared, json!({ "v": value })).is_ok(), "{declared}");
        }
        assert!(check("$v: Int! = 3", json!({})).is_ok());
        assert!(check("$v: Int", json!({})).is_ok());
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_their_path() {
        for (declared, variables, path) in [
            ("$v: String!", json!({}), "$v"),
            ("$v: String!", json!({ "v": null }), "$v"),
            ("$v: String!", json!({ "v": 1 }), "$v"),
            ("$v: Int!", json!({ "v": 2_147_483_648_u64 }), "$v"),
            ("$v: Boolean!", json!({ "v": "true" }), "$v"),
            ("$v: [ID!]!", json!({ "v": ["a", null] }), "$v[1]"),
            ("$v: Scope!", json!({ "v": "NONE" }), "$v"),
            ("$v: Device!", json!({ "v": { "name": "x" } }), "$v.id"),
            ("$v: Device!", json!({ "v": { "id": "a", "other": 1 } }), "$v.other"),
            ("$v: Device!", json!({ "v": { "id": "a", "inner": { "id": 1 } } }), "$v.inner.id"),
            ("$v: Device!", json!({ "v": "a" }), "$v"),
        ] {
            let refused = check(declared, variables).unwrap_err();
            assert!(refused.detail.unwrap().contains(&format!("`{path}`")), "{declared} {path}");
        }
    }
}
