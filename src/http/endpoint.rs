//! `/graphql`: the HTTP side of GraphQL, our own because the library's runs mutations over GET, takes bodies of any
//! length and type, and answers every `Accept` alike.

use std::{mem::take, sync::Arc, time::Duration};

use async_graphql::{
    Request, ServerError, Value, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
};
use axum::{Extension, extract::State, http::Method, response::Response};

use super::{
    App,
    accept::{self, Media},
    answer::{self, Stage},
    parameters,
    request::Brought,
};
use crate::{
    error::{ApiError, Code},
    graphql::{ExecutionBegan, present},
};

/// How long a request may take. The longest way to WeChat and back fits.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A request that is not executed: how far it came, and why no further.
struct Refused {
    stage: Stage,
    error: Box<ServerError>,
}

/// Answers `/graphql`.
pub(super) async fn graphql(
    State(app): State<App>,
    Extension(brought): Extension<Brought>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(media) = accept::negotiate(&parts.headers) else {
        return refuse(malformed(Code::NotAcceptable.into()), Media::Json, &brought);
    };
    let read = parameters::read(&parts.method, &parts.uri, &parts.headers, body).await;
    let checked = read.map_err(malformed).and_then(|request| check(request, &parts.method));
    match checked {
        Ok(request) => execute(&app, request, media, &brought).await,
        Err(refused) => refuse(refused, media, &brought),
    }
}

/// Checks what can be checked before anything is executed.
fn check(mut request: Request, method: &Method) -> Result<Request, Refused> {
    let (name, variables) = (request.operation_name.take(), take(&mut request.variables));
    let document = request.parsed_query().map_err(unparsable)?;
    let operation =
        operation(document, name.as_deref()).ok_or_else(|| not_executed(Code::OperationResolutionFailure.into()))?;
    if method == Method::GET && operation.ty != OperationType::Query {
        let detail = "Only queries can be sent by GET.";
        return Err(malformed(ApiError::new(Code::MethodNotAllowed).detail(detail)));
    }
    if let Some(name) = missing_variable(operation, &variables) {
        let detail = format!("The variable `${name}` is required.");
        return Err(not_executed(ApiError::new(Code::BadUserInput).detail(detail)));
    }
    request.operation_name = name;
    Ok(request.variables(variables))
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

/// A required variable that was not sent. The library would notice only when the resolver that wants it runs, after
/// others have.
fn missing_variable(operation: &OperationDefinition, variables: &Variables) -> Option<String> {
    let is_missing = |name: &str| matches!(variables.get(name), None | Some(Value::Null));
    let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
    let mut required = definitions.filter(|it| !it.var_type.node.nullable && it.default_value().is_none());
    required.find(|it| is_missing(&it.name.node)).map(|it| it.name.node.chars().take(64).collect())
}

async fn execute(app: &App, request: Request, media: Media, brought: &Brought) -> Response {
    let began = ExecutionBegan::default();
    let request = request.data(brought.caller()).data(began.clone());
    let Ok(done) = tokio::time::timeout(TIMEOUT, app.0.schema.0.execute(request)).await else {
        let error = ApiError::new(Code::Timeout);
        return respond(Stage::Executed, media, Value::Null, vec![server_error(error)], brought);
    };
    let stage = if began.get() { Stage::Executed } else { Stage::NotExecuted };
    respond(stage, media, done.data, done.errors, brought)
}

fn refuse(refused: Refused, media: Media, brought: &Brought) -> Response {
    respond(refused.stage, media, Value::Null, vec![*refused.error], brought)
}

/// Presents the errors, logs them, and writes the answer.
fn respond(stage: Stage, media: Media, data: Value, mut errors: Vec<ServerError>, brought: &Brought) -> Response {
    let presented = present(&mut errors, stage == Stage::Executed, brought.language, &brought.id);
    for error in &presented {
        answer::log(error, &brought.id);
    }
    let mut response = answer::graphql(stage, media, data, errors);
    if let Some(error) = presented.iter().find(|error| error.retry_after.is_some()) {
        answer::retry_after(&mut response, error);
    }
    response
}

/// The place of a syntax error is told; the library's words are not, they quote the document.
fn unparsable(error: ServerError) -> Refused {
    let mut refused = not_executed(Code::GraphqlParseFailed.into());
    refused.error.locations = error.locations;
    refused
}

fn not_executed(error: ApiError) -> Refused {
    Refused { stage: Stage::NotExecuted, error: Box::new(server_error(error)) }
}

fn malformed(error: ApiError) -> Refused {
    Refused { stage: Stage::Malformed(error.code), error: Box::new(server_error(error)) }
}

/// An error that concerns the request as a whole has no place in the document.
fn server_error(error: ApiError) -> ServerError {
    ServerError { source: Some(Arc::new(error)), ..ServerError::new(String::new(), None) }
}
