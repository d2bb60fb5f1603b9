//! Runs the operations of a connection for the library, with the same checks as other requests. Only subscriptions are
//! allowed.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Data, Executor, Request, Response, ServerError, parser::types::OperationType};
use futures_util::{
    StreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use secrecy::SecretString;

use super::{
    super::{
        App,
        parameters::{persisted_hash, query_of},
        render,
        request::RequestContext,
    },
    protocol::MAX_OPERATIONS,
};
use crate::{
    error::{ApiError, Code},
    graphql::{Parameters, Prepared, present, whole},
};

/// Memory that the running operations of one connection may take, in bytes. Ten typical ones take a third.
const MAX_MEMORY: usize = 256 * 1024;

/// The operations of one connection.
#[derive(Clone)]
pub(super) struct Operations {
    app: App,
    context: RequestContext,
    /// The token of `connection_init`.
    token: Arc<OnceLock<SecretString>>,
    /// Memory of the running operations, in bytes.
    memory: Arc<AtomicUsize>,
}

/// Counts the memory of an operation until it is dropped.
struct MemoryPermit {
    total: Arc<AtomicUsize>,
    size: usize,
}

impl Drop for MemoryPermit {
    fn drop(&mut self) {
        self.total.fetch_sub(self.size, Ordering::Relaxed);
    }
}

impl Operations {
    pub(super) fn new(app: App, context: RequestContext, token: Arc<OnceLock<SecretString>>) -> Self {
        Self { app, context, token, memory: Arc::default() }
    }

    fn prepare(&self, request: Request) -> Result<Prepared, ServerError> {
        let prepared = self.app.0.engine.prepare(parameters(request).map_err(whole)?)?;
        if prepared.operation == OperationType::Subscription {
            return Ok(prepared);
        }
        let detail = "Only subscriptions run over a WebSocket: send other operations by POST.";
        Err(whole(ApiError::new(Code::BadRequest).detail(detail)))
    }

    fn memory_permit(&self, prepared: &Prepared) -> Result<MemoryPermit, ServerError> {
        let permit = MemoryPermit { total: Arc::clone(&self.memory), size: prepared.size() };
        if self.memory.fetch_add(permit.size, Ordering::Relaxed) + permit.size <= MAX_MEMORY {
            return Ok(permit);
        }
        let detail = "The operations of this connection are too large.";
        Err(whole(ApiError::new(Code::QueryTooExpensive).detail(detail)))
    }

    /// Presents the errors of a response and logs them.
    fn presented(&self, mut response: Response, was_executed: bool) -> Response {
        if render::bounded_json(&response.data).is_none() {
            response = Response::from_errors(vec![render::response_too_long()]);
        }
        for error in present(&mut response.errors, was_executed, self.context.caller.language(), &self.context.id) {
            render::log_error(&error, &self.context.id);
        }
        response
    }

    /// The errors for an operation beyond the limit.
    pub(super) fn too_many(&self) -> Vec<ServerError> {
        let detail = format!("At most {MAX_OPERATIONS} operations on one connection.");
        self.refusal(whole(ApiError::new(Code::BadRequest).detail(detail))).errors
    }

    fn refusal(&self, error: ServerError) -> Response {
        self.presented(Response::from_errors(vec![error]), false)
    }
}

impl Executor for Operations {
    /// Refuses: the library runs all operations of a WebSocket by `execute_stream`.
    async fn execute(&self, request: Request) -> Response {
        match self.prepare(request) {
            Ok(_) => self.refusal(whole(Code::BadRequest.into())),
            Err(error) => self.refusal(error),
        }
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let this = self.clone();
        let prepared = self.prepare(request).and_then(|prepared| Ok((self.memory_permit(&prepared)?, prepared)));
        match prepared {
            Ok((permit, prepared)) => {
                let caller = self.context.caller.with_token(self.token.get().cloned());
                let responses = self.app.0.engine.subscribe(prepared, caller);
                let presented = move |(response, was_executed)| {
                    // the closure holds the permit as long as the stream lives
                    let _permit = &permit;
                    this.presented(response, was_executed)
                };
                responses.map(presented).boxed()
            }
            Err(error) => stream::once(ready(this.refusal(error))).boxed(),
        }
    }
}

/// The parameters of a request, with a document by its text or by Apollo's hash.
fn parameters(request: Request) -> Result<Parameters, ApiError> {
    let Request { query, operation_name, variables, extensions, .. } = request;
    let persisted_query = extensions.get("persistedQuery").and_then(|value| value.clone().into_json().ok());
    let id = persisted_query.as_ref().and_then(persisted_hash).map(str::to_owned);
    // the library passes an empty text if there is none
    let query = query_of(Some(query).filter(|text| !text.is_empty()), id)?;
    Ok(Parameters { query, operation_name: operation_name.filter(|name| !name.is_empty()), variables })
}
