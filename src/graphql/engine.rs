//! The engine prepares and executes a request: it finds the document and the operation, checks the variables, and
//! executes the operation. A document that was validated once is neither parsed nor validated again.

use std::sync::Arc;

use async_graphql::{
    Response, ServerError, ValidationMode, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
};
use futures_util::{Stream, StreamExt};

use super::{
    Caller,
    documents::{Document, Documents},
    execution::ExecutionBegan,
    limits,
    refusal::Refusal,
    schema::{self, Schema, sdl},
    spec::{self, Types},
};
use crate::{
    account::Accounts,
    config::Config,
    error::{ApiError, Code},
};

/// The parameters of a request, as the client sent them.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The document, or the id it is registered under.
    pub query: Query,
    /// The operation to execute.
    pub operation_name: Option<String>,
    /// The values of its variables.
    pub variables: Variables,
}

/// The document to execute.
#[derive(Clone, Debug)]
pub enum Query {
    /// Its text.
    Text(String),
    /// The id of a registered document.
    Id(String),
}

/// A request that has passed every check before its execution.
#[derive(Debug)]
pub struct Prepared {
    document: Document,
    operation_name: Option<String>,
    variables: Variables,
    /// The type of its operation.
    pub operation: OperationType,
}

impl Prepared {
    /// The name with which the client chose the operation; the document contains it.
    #[must_use]
    pub fn operation_name(&self) -> Option<&str> {
        self.operation_name.as_deref()
    }

    /// Memory it takes while it is executed, in bytes: the library has a copy of the document.
    #[must_use]
    pub fn size(&self) -> usize {
        self.document.copied_size() + limits::variables::size_of_all(&self.variables)
    }
}

/// Executes requests.
pub struct Engine {
    /// Validates in full.
    strict: Schema,
    /// Executes documents that `strict` has validated.
    fast: Schema,
    documents: Documents,
    types: Types,
    introspection: bool,
    direct_queries: bool,
    accounts: Arc<Accounts>,
}

impl Engine {
    /// An engine for `accounts`, by the settings.
    #[must_use]
    pub fn new(accounts: &Arc<Accounts>, config: &Config) -> Self {
        Self {
            strict: schema::build(accounts, config, ValidationMode::Strict),
            fast: schema::build(accounts, config, ValidationMode::Fast),
            documents: Documents::new(config.limits, config.trusted_documents.clone()),
            types: Types::from_sdl(&sdl()),
            introspection: config.graphiql,
            direct_queries: true,
            accounts: Arc::clone(accounts),
        }
    }

    /// The same engine without [`Self::answer_directly`], so that tests can compare both.
    #[doc(hidden)]
    #[must_use]
    pub fn without_direct_queries(self) -> Self {
        Self { direct_queries: false, ..self }
    }

    /// Makes all checks that are possible before the execution.
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
        let variables = limits::variables::declared(operation, variables);
        self.check_operation(operation, &variables, document.variable_usages).map_err(whole)?;
        let operation = operation.ty;
        Ok(Prepared { document, operation_name, variables, operation })
    }

    /// Finds or parses a document, and checks what the library does not check in time.
    fn admit(&self, text: &str) -> Result<Document, Refusal> {
        let document = self.documents.admit(text)?;
        if !document.is_validated {
            spec::check_document(&document.parsed, &self.types, self.introspection)?;
        }
        Ok(document)
    }

    fn check_operation(
        &self,
        operation: &OperationDefinition,
        variables: &Variables,
        usages: u32,
    ) -> Result<(), ApiError> {
        spec::check_subscription_root(operation)?;
        limits::variables::check_copies(operation, variables, usages)?;
        spec::check_variables(operation, variables, &self.types)
    }

    /// The `data` of a request as JSON, without the executor; `None` if the request needs the executor.
    pub async fn answer_directly(&self, prepared: &Prepared, caller: &Caller) -> Option<Vec<u8>> {
        let query = prepared.document.direct_query.as_ref().filter(|_| self.direct_queries)?;
        query.answer(&self.accounts, caller).await
    }

    /// Executes a request. Also returns whether its execution began, because the library may still refuse the document.
    pub async fn execute(&self, prepared: Prepared, caller: Caller) -> (Response, bool) {
        let began = ExecutionBegan::default();
        let document = prepared.document.clone();
        let schema = if document.is_validated { &self.fast } else { &self.strict };
        let response = schema.execute(request(prepared, caller, &began)).await;
        if began.get() {
            self.documents.cache(document);
        }
        (response, began.get())
    }

    /// Executes a subscription: a response for each event, and whether its execution began. The document is validated
    /// each time, because a subscription begins seldom and runs for long.
    pub fn subscribe(&self, prepared: Prepared, caller: Caller) -> impl Stream<Item = (Response, bool)> + Send + use<> {
        let began = ExecutionBegan::default();
        let responses = self.strict.execute_stream(request(prepared, caller, &began));
        responses.map(move |response| (response, began.get()))
    }
}

fn request(prepared: Prepared, caller: Caller, began: &ExecutionBegan) -> async_graphql::Request {
    let Prepared { document, operation_name, variables, .. } = prepared;
    let mut request = async_graphql::Request::new("").variables(variables).data(caller).data(began.clone());
    request.operation_name = operation_name;
    request.set_parsed_query((*document.parsed).clone());
    request
}

/// The operation to execute: the one with this name, or the only one.
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

fn refused(refusal: Refusal) -> ServerError {
    ServerError { locations: refusal.places, ..whole(refusal.error) }
}

/// An error of the whole request, without a location in the document.
#[must_use]
pub fn whole(error: ApiError) -> ServerError {
    ServerError { source: Some(Arc::new(error)), ..ServerError::new(String::new(), None) }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("documents", &self.documents).finish_non_exhaustive()
    }
}
