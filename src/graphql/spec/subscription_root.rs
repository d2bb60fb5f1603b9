//! A subscription has exactly one root field (GraphQL 5.2.3.1, "Single Root Field"). The library executes several, and
//! drops those that are in a fragment.

use async_graphql::parser::types::{OperationDefinition, OperationType, Selection};

use crate::error::{ApiError, Code};

/// Checks the root of an operation, if it is a subscription.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`
pub(in crate::graphql) fn check(operation: &OperationDefinition) -> Result<(), ApiError> {
    if operation.ty != OperationType::Subscription {
        return Ok(());
    }
    match operation.selection_set.node.items.as_slice() {
        [only] if matches!(only.node, Selection::Field(_)) => Ok(()),
        _ => {
            let detail = "A subscription has one root field, outside any fragment.";
            Err(ApiError::new(Code::GraphqlValidationFailed).detail(detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::library::subscribe;

    #[tokio::test]
    async fn library_still_executes_several_subscription_root_fields() {
        let answers = subscribe("subscription { ticks more: ticks }").await;
        let executed = answers.iter().filter(|answer| answer.errors.is_empty()).count();
        assert_eq!(
            executed, 2,
            "the library refuses them now: delete src/graphql/spec/subscription_root.rs {answers:?}"
        );
    }

    #[tokio::test]
    async fn library_still_drops_subscription_root_fields_in_fragments() {
        let answers = subscribe("subscription { ... { ticks } }").await;
        assert!(
            answers.is_empty(),
            "the library executes it now: delete src/graphql/spec/subscription_root.rs {answers:?}"
        );
    }
}
