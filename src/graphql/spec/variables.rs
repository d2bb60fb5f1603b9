//! Checks variables before any resolver runs: their definitions in a document, and their values in a request (GraphQL
//! 5.8, "Variables"; 6.1.2, "Coercing Variable Values"). The library notices a missing value only when the resolver
//! that uses it runs, after others have done their work.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Variables,
    parser::types::{ExecutableDocument, OperationDefinition},
};

use super::{
    super::refusal::Refusal,
    coerce::{Coercion, TypeMismatch},
    types::{Types, innermost},
};
use crate::error::{ApiError, Code};

/// Checks the variable definitions of every operation of a document. The library panics over some unknown types, and
/// coerces a variable as often as it is defined before it refuses the second definition.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`
pub(super) fn check_definitions(document: &ExecutableDocument, types: &Types) -> Result<(), Refusal> {
    document.operations.iter().try_for_each(|(_, operation)| {
        let mut names = HashSet::new();
        operation.node.variable_definitions.iter().try_for_each(|definition| {
            if types.input(innermost(&definition.node.var_type.node)).is_none() {
                Err(Refusal::invalid("The type of a variable is not an input type.", definition.pos))
            } else if !names.insert(&definition.node.name.node) {
                Err(Refusal::invalid("Two variables have the same name.", definition.pos))
            } else {
                Ok(())
            }
        })
    })
}

/// Checks the values of the variables that an operation declares.
///
/// # Errors
/// `BAD_USER_INPUT` with the path of the first mismatch.
pub(in crate::graphql) fn check_values(
    operation: &OperationDefinition,
    variables: &Variables,
    types: &Types,
) -> Result<(), ApiError> {
    // the value of a variable contains no variables
    let coercion = Coercion { types, variables: HashMap::new() };
    operation.variable_definitions.iter().try_for_each(|definition| {
        let definition = &definition.node;
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let coerced = match variables.get(name) {
            None if definition.default_value.is_some() || ty.nullable => Ok(()),
            None => Err(TypeMismatch::must_be(ty)),
            Some(value) => coercion.coerce(value, ty),
        };
        coerced.map_err(|mismatch| {
            ApiError::new(Code::BadUserInput).detail(mismatch.describe("variable", &format!("${name}")))
        })
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::{Value, json};

    use super::{
        super::library::{execute, schema},
        *,
    };

    const SDL: &str = "type Query { node(id: ID!): Int } enum Scope { ALL CURRENT } input Device { id: String! name: String tags: [Int!] inner: Device }";

    fn check(declared: &str, variables: Value) -> Result<(), ApiError> {
        let document = parse_query(format!("query({declared}) {{ __typename }}")).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        check_values(&operation.node, &Variables::from_json(variables), &Types::from_sdl(SDL))
    }

    #[test]
    fn values_of_their_type_pass() {
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
    fn mismatch_is_refused_with_its_path() {
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
    const FIXED: &str = "delete src/graphql/spec/variables.rs";

    #[tokio::test]
    async fn library_still_runs_resolvers_before_it_misses_a_required_variable() {
        let (response, first) = execute("mutation($v: ID!) { first second(id: $v) }", json!({})).await;
        let executed = first == 1 && !response.errors.is_empty();
        assert!(executed, "the library checks variables before it executes now: {FIXED} {response:?}");
    }

    #[tokio::test]
    async fn library_still_panics_over_a_list_of_an_unknown_type() {
        let execution = async { schema().execute("query($v: [Nothing] = [1]) { ids(ids: $v) }").await };
        let executed = tokio::spawn(execution).await;
        assert!(executed.is_err_and(|error| error.is_panic()), "the library refuses the type now: {FIXED}");
    }
}
