//! The way of a request from its text to its answer: admitted, its operation found, its variables checked, executed. A
//! document that was accepted once goes the short way: neither parsed nor validated again.

use std::sync::Arc;

use async_graphql::{
    Response, ServerError, ValidationMode, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection},
};
use futures_util::{Stream, StreamExt};

use super::{
    About, Caller, ExecutionBegan, Schema, arguments,
    document::{Document, Documents, Refusal},
    schema, sdl,
    types::Types,
    variables,
};
use crate::{
    account::Accounts,
    config::Config,
    error::{ApiError, Code},
};

/// What a client sent.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The document, or the id it is registered under.
    pub query: Query,
    /// Which of its operations to run.
    pub operation_name: Option<String>,
    /// The values of its variables.
    pub variables: Variables,
}

/// What is to be executed.
#[derive(Clone, Debug)]
pub enum Query {
    /// A text.
    Text(String),
    /// The id of a registered one.
    Id(String),
}

/// A request that may be executed.
#[derive(Debug)]
pub struct Prepared {
    document: Document,
    operation_name: Option<String>,
    variables: Variables,
    /// What it does.
    pub operation: OperationType,
}

/// Executes requests.
pub struct Engine {
    /// Validates in full.
    strict: Schema,
    /// For documents that `strict` has accepted.
    fast: Schema,
    documents: Documents,
    types: Types,
    accounts: Arc<Accounts>,
}

impl Engine {
    /// An engine for `accounts`, by the settings.
    #[must_use]
    pub fn new(accounts: &Arc<Accounts>, config: &Config) -> Self {
        let about = About { emulator: config.emulator };
        let build = |mode| schema(Arc::clone(accounts), about, config, mode);
        Self {
            strict: build(ValidationMode::Strict),
            fast: build(ValidationMode::Fast),
            documents: Documents::new(config.limits, config.trusted_documents.clone()),
            types: Types::of_sdl(&sdl()),
            accounts: Arc::clone(accounts),
        }
    }

    /// Checks what can be checked before anything is executed.
    ///
    /// # Errors
    /// `QUERY_TOO_EXPENSIVE`, `GRAPHQL_PARSE_FAILED`, `GRAPHQL_VALIDATION_FAILED`, `OPERATION_RESOLUTION_FAILURE`,
    /// `BAD_USER_INPUT`.
    pub fn prepare(&self, parameters: Parameters) -> Result<Prepared, ServerError> {
        let Parameters { query, operation_name, variables } = parameters;
        let text = match &query {
            Query::Text(text) => text,
            Query::Id(id) => self.documents.text(id).map_err(whole)?,
        };
        let document = self.admit(text).map_err(refused)?;
        let operation = operation(&document.parsed, operation_name.as_deref())
            .ok_or_else(|| whole(Code::OperationResolutionFailure.into()))?;
        if operation.ty == OperationType::Subscription {
            check_subscription(operation).map_err(whole)?;
        }
        variables::check_values(&document, operation, &variables, &self.types).map_err(whole)?;
        let operation = operation.ty;
        Ok(Prepared { document, operation_name, variables, operation })
    }

    /// Holds a text against the limits, and against what the library does not look at in time.
    fn admit(&self, text: &str) -> Result<Document, Refusal> {
        let document = self.documents.admit(text)?;
        if !document.accepted {
            variables::check_definitions(&document.parsed, &self.types)?;
            arguments::check(&document.parsed, &self.types)?;
        }
        Ok(document)
    }

    /// The `data` of a request, as JSON, where it can be written down at once: nothing went wrong, and there is nothing to
    /// execute.
    pub async fn write(&self, prepared: &Prepared, caller: &Caller) -> Option<Vec<u8>> {
        prepared.document.plain.as_ref()?.write(&self.accounts, caller).await
    }

    /// Executes a request, and tells whether it came as far as resolvers: a document may still not fit the schema.
    pub async fn execute(&self, prepared: Prepared, caller: Caller) -> (Response, bool) {
        let began = ExecutionBegan::default();
        let document = prepared.document.clone();
        let schema = if document.accepted { &self.fast } else { &self.strict };
        let response = schema.execute(request(prepared, caller, &began)).await;
        if began.get() {
            self.documents.keep(document);
        }
        (response, began.get())
    }

    /// Executes a subscription: an answer for each event, and with it whether that came as far as resolvers. It is
    /// validated each time, because it runs for long and begins seldom.
    pub fn subscribe(&self, prepared: Prepared, caller: Caller) -> impl Stream<Item = (Response, bool)> + Send + use<> {
        let began = ExecutionBegan::default();
        let answers = self.strict.execute_stream(request(prepared, caller, &began));
        answers.map(move |answer| (answer, began.get()))
    }
}

fn request(prepared: Prepared, caller: Caller, began: &ExecutionBegan) -> async_graphql::Request {
    let Prepared { document, operation_name, variables, .. } = prepared;
    let mut request = async_graphql::Request::new("").variables(variables).data(caller).data(began.clone());
    request.operation_name = operation_name;
    request.set_parsed_query((*document.parsed).clone());
    request
}

/// The operation to run: the one that is named, or the only one.
fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name).map(|found| &found.node),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|only| &only.node)
        }
        _ => None,
    }
}

/// A subscription has one field (GraphQL, "Single Root Field"). The library would run several, and none at all of those
/// in fragments.
fn check_subscription(operation: &OperationDefinition) -> Result<(), ApiError> {
    match operation.selection_set.node.items.as_slice() {
        [only] if matches!(only.node, Selection::Field(_)) => Ok(()),
        _ => {
            let detail = "A subscription has one field, and no fragment around it.";
            Err(ApiError::new(Code::GraphqlValidationFailed).detail(detail))
        }
    }
}

fn refused(refusal: Refusal) -> ServerError {
    ServerError { locations: refusal.places, ..whole(refusal.error) }
}

/// An error that concerns the request as a whole and has no place in the document.
#[must_use]
pub fn whole(error: ApiError) -> ServerError {
    ServerError { source: Some(Arc::new(error)), ..ServerError::new(String::new(), None) }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("documents", &self.documents).finish_non_exhaustive()
    }
}
