//! async-graphql without the checks of this server and with a small schema, for the tests that it still has its faults.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Context, ID, InputObject, Object, Response, Schema, Subscription, Variables};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

pub(super) struct Query;
pub(super) struct Mutation;
pub(super) struct Ticks;

#[derive(InputObject)]
struct Device {
    id: String,
    name: Option<String>,
}

#[Object]
impl Query {
    async fn echo(&self, text: String) -> String {
        text
    }

    async fn ids(&self, ids: Vec<ID>) -> usize {
        ids.len()
    }

    async fn device(&self, it: Device) -> String {
        it.name.unwrap_or(it.id)
    }
}

#[Object]
impl Mutation {
    /// Counts how often it was executed.
    async fn first(&self, ctx: &Context<'_>) -> bool {
        ctx.data_unchecked::<Arc<AtomicUsize>>().fetch_add(1, Ordering::Relaxed);
        true
    }

    async fn second(&self, id: ID) -> ID {
        id
    }

    async fn device(&self, it: Device) -> String {
        it.name.unwrap_or(it.id)
    }

    async fn ids(&self, ids: Vec<ID>) -> usize {
        ids.len()
    }
}

#[Subscription]
impl Ticks {
    async fn ticks(&self) -> impl Stream<Item = i32> {
        stream::iter([1])
    }
}

/// The schema with introspection on.
pub(super) fn schema() -> Schema<Query, Mutation, Ticks> {
    Schema::build(Query, Mutation, Ticks).finish()
}

/// Executes a document, and counts how often the resolver of `first` ran.
pub(super) async fn execute(text: &str, variables: Value) -> (Response, usize) {
    let count = Arc::new(AtomicUsize::new(0));
    let request = async_graphql::Request::new(text).variables(Variables::from_json(variables)).data(Arc::clone(&count));
    let response = schema().execute(request).await;
    (response, count.load(Ordering::Relaxed))
}

/// All responses of a subscription.
pub(super) async fn subscribe(text: &str) -> Vec<Response> {
    schema().execute_stream(text).collect().await
}
