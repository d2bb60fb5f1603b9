//! Records whether the execution of a request began: the status of the response depends on it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::{
    Response,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};

/// Set as soon as the first resolver may run. Part of the request's data.
#[derive(Clone, Debug, Default)]
pub(super) struct ExecutionBegan(Arc<AtomicBool>);

impl ExecutionBegan {
    /// Whether execution began.
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The extension that sets it.
#[derive(Debug)]
pub(super) struct ExecutionWatch;

impl ExtensionFactory for ExecutionWatch {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for ExecutionWatch {
    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let Some(began) = context.data_opt::<ExecutionBegan>() {
            began.0.store(true, Ordering::Relaxed);
        }
        next.run(context, operation_name).await
    }
}
