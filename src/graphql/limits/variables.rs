//! The memory of the variables of a request.

use async_graphql::{Value, Variables, parser::types::OperationDefinition};

use crate::error::{ApiError, Code};

/// Memory the library may fill with copies of the variables of one request, in bytes: it makes one at each usage.
const COPIES: usize = 4 * 1024 * 1024;

/// The variables that an operation declares, of those the client sent. Nothing reads the others, and the library would
/// hold them for as long as the operation runs: a subscription runs for days.
pub(in crate::graphql) fn declared(operation: &OperationDefinition, mut sent: Variables) -> Variables {
    let mut declared = Variables::default();
    for definition in &operation.variable_definitions {
        if let Some((name, value)) = sent.remove_entry(&definition.node.name.node) {
            declared.insert(name, value);
        }
    }
    declared
}

/// Memory that the variables of a request take, in bytes.
pub(in crate::graphql) fn size_of_all(variables: &Variables) -> usize {
    variables.iter().map(|(name, value)| name.len() + size(value)).sum()
}

/// Checks that the library's copies of the variables, and of their defaults, fit into the memory they may take.
///
/// # Errors
/// `QUERY_TOO_EXPENSIVE`
pub(in crate::graphql) fn check_copies(
    operation: &OperationDefinition,
    variables: &Variables,
    usages: u32,
) -> Result<(), ApiError> {
    let definitions = operation.variable_definitions.iter();
    let defaults = definitions.filter_map(|definition| Some(&definition.node.default_value.as_ref()?.node));
    let size: usize = variables.values().chain(defaults).map(size).sum();
    if size.saturating_mul(usize::try_from(usages).unwrap_or(usize::MAX)) > COPIES {
        let detail = "The variables are too long for the number of their usages.";
        return Err(ApiError::new(Code::QueryTooExpensive).detail(detail));
    }
    Ok(())
}

/// Memory that a value takes, in bytes.
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
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn operation(text: &str) -> OperationDefinition {
        parse_query(text).unwrap().operations.iter().next().unwrap().1.node.clone()
    }

    #[test]
    fn undeclared_variables_are_dropped() {
        let sent = Variables::from_json(json!({ "a": "1", "c": ["x".repeat(1000)], "A": 1, "": {} }));
        assert!(size_of_all(&sent) > 1000);
        let declared = declared(&operation("query($a: ID, $b: ID) { __typename }"), sent);
        assert_eq!(declared, Variables::from_json(json!({ "a": "1" })));
        assert!(size_of_all(&declared) < 100);
    }

    #[test]
    fn long_variables_with_many_usages_are_refused() {
        let operation = operation("query($a: String, $b: String = \"default\") { __typename }");
        let long = Variables::from_json(json!({ "a": "x".repeat(5000) }));
        assert!(check_copies(&operation, &long, 500).is_ok());
        assert_eq!(check_copies(&operation, &long, 1000).unwrap_err().code, Code::QueryTooExpensive);
        assert_eq!(
            check_copies(&operation, &Variables::default(), u32::MAX).unwrap_err().code,
            Code::QueryTooExpensive
        );
    }
}
