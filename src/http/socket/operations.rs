//! What the library calls to run an operation: the same gate as any request's, and nothing but subscriptions.

use std::sync::{Arc, OnceLock};

use async_graphql::{Data, Executor, Request, Response, ServerError, parser::types::OperationType};
use futures_util::{
    StreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use secrecy::SecretString;

use super::{
    super::{App, answer, request::Brought},
    protocol::OPERATIONS,
};
use crate::{
    error::{ApiError, Code},
    graphql::{Parameters, Prepared, Query, present, whole},
};

/// The operations of one connection.
#[derive(Clone)]
pub(super) struct Operations {
    app: App,
    brought: Brought,
    /// The token the client introduced itself with.
    token: Arc<OnceLock<SecretString>>,
}

impl Operations {
    pub(super) fn new(app: App, brought: Brought, token: Arc<OnceLock<SecretString>>) -> Self {
        Self { app, brought, token }
    }

    fn prepare(&self, request: Request) -> Result<Prepared, ServerError> {
        let prepared = self.app.0.engine.prepare(parameters(request).map_err(whole)?)?;
        if prepared.operation == OperationType::Subscription {
            return Ok(prepared);
        }
        let detail = "Nothing but subscriptions runs over a WebSocket: POST the rest.";
        Err(whole(ApiError::new(Code::BadRequest).detail(detail)))
    }

    /// The answer as the client sees it; what the log wants of it is logged.
    fn presented(&self, mut response: Response, began: bool) -> Response {
        for error in present(&mut response.errors, began, self.brought.caller.language(), &self.brought.id) {
            answer::log(&error, &self.brought.id);
        }
        response
    }

    /// What a client hears who wants more operations at once than one connection may have.
    pub(super) fn too_many(&self) -> Vec<ServerError> {
        let detail = format!("At most {OPERATIONS} operations on one connection.");
        self.refusal(whole(ApiError::new(Code::BadRequest).detail(detail))).errors
    }

    fn refusal(&self, error: ServerError) -> Response {
        self.presented(Response::from_errors(vec![error]), false)
    }
}

impl Executor for Operations {
    /// The library runs everything that comes over a WebSocket as a stream.
    async fn execute(&self, request: Request) -> Response {
        match self.prepare(request) {
            Ok(_) => self.refusal(whole(Code::BadRequest.into())),
            Err(error) => self.refusal(error),
        }
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let this = self.clone();
        match self.prepare(request) {
            Ok(prepared) => {
                let caller = self.brought.caller.with_token(self.token.get().cloned());
                let told = self.app.0.engine.subscribe(prepared, caller);
                told.map(move |(response, began)| this.presented(response, began)).boxed()
            }
            Err(error) => stream::once(ready(this.refusal(error))).boxed(),
        }
    }
}

/// The document is a text, or named as Apollo names registered ones.
fn parameters(request: Request) -> Result<Parameters, ApiError> {
    let Request { query, operation_name, variables, extensions, .. } = request;
    let hash =
        || extensions.get("persistedQuery")?.clone().into_json().ok()?.get("sha256Hash")?.as_str().map(str::to_owned);
    let query = match (query, hash()) {
        (text, None) if text.is_empty() => {
            return Err(ApiError::new(Code::BadRequest).detail("`query` must be a string."));
        }
        (text, Some(id)) if text.is_empty() => Query::Id(id),
        (text, _) => Query::Text(text),
    };
    Ok(Parameters { query, operation_name: operation_name.filter(|name| !name.is_empty()), variables })
}
