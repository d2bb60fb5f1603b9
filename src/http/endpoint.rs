//! `/graphql`: GraphQL over HTTP. async-graphql's own endpoint is not used, because it runs mutations over GET, accepts
//! bodies of any length and type, and ignores `Accept`.

use std::pin::pin;

use async_graphql::{ServerError, Value, parser::types::OperationType};
use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, header, request::Parts},
    response::Response,
};

use tracing::Instrument;

use super::{
    App, HANDLER_TIMEOUT,
    accept::{self, Media},
    parameters,
    render::{self, Stage},
    request::RequestContext,
    socket, with_timeout,
};
use crate::{
    error::{ApiError, Code},
    graphql::{Parameters, Prepared, present, whole},
    log_context,
};

/// A request that was refused: at which stage, and why.
struct Refused {
    stage: Stage,
    error: Box<ServerError>,
}

/// Handles `/graphql`: opens a WebSocket, or handles a request.
pub(super) async fn graphql(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if !socket::is_wanted(&parts) {
        return respond_to(&app, &context, parts, body).await;
    }
    // boxed to keep the future of other requests small
    let upgraded = Box::pin(socket::upgrade(app, context.clone(), parts)).await;
    upgraded.unwrap_or_else(|error| {
        let mut refusal = refuse(malformed(error), Media::Json, &context);
        // the client requested the connection only for the WebSocket
        refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        refusal
    })
}

/// Handles a GraphQL request over HTTP.
pub(super) async fn respond_to(app: &App, context: &RequestContext, parts: Parts, body: Body) -> Response {
    let Some(media) = accept::negotiate(&parts.headers) else {
        return refuse(malformed(Code::NotAcceptable.into()), Media::Json, context);
    };
    let parameters = match parameters::read(app, context, &parts, body).await {
        Ok(parameters) => parameters,
        Err(error) => return refuse(malformed(error), media, context),
    };
    let _permit = match app.in_flight_permit(context) {
        Ok(permit) => permit,
        Err(overloaded) => return refuse(malformed(overloaded), media, context),
    };
    match prepare(app, parameters, &parts.method) {
        Ok(prepared) => execute_with_timeout(app, prepared, media, context).await,
        Err(refused) => refuse(refused, media, context),
    }
}

/// Checks all that can be checked before the execution.
fn prepare(app: &App, parameters: Parameters, method: &Method) -> Result<Prepared, Refused> {
    let not_executed = |error| Refused { stage: Stage::NotExecuted, error: Box::new(error) };
    let prepared = app.0.engine.prepare(parameters).map_err(not_executed)?;
    if prepared.operation == OperationType::Subscription {
        let detail = "Subscriptions run over a WebSocket at this address (graphql-transport-ws).";
        return Err(malformed(ApiError::new(Code::BadRequest).detail(detail)));
    }
    if method == Method::GET && prepared.operation != OperationType::Query {
        let error = ApiError::new(Code::MethodNotAllowed).detail("Only queries can be sent by GET.");
        return Err(Refused { stage: Stage::WrongMethod("POST"), ..malformed(error) });
    }
    Ok(prepared)
}

async fn execute_with_timeout(app: &App, prepared: Prepared, media: Media, context: &RequestContext) -> Response {
    if let Some(name) = prepared.operation_name() {
        log_context::set_operation(name);
    }
    let span = tracing::debug_span!("operation", kind = %prepared.operation);
    let execution = pin!(execute(app, prepared, media, context));
    let response = with_timeout(HANDLER_TIMEOUT, execution.instrument(span)).await;
    let timed_out = || respond(Stage::Executed, media, Value::Null, vec![whole(Code::Timeout.into())], context);
    response.unwrap_or_else(timed_out)
}

async fn execute(app: &App, prepared: Prepared, media: Media, context: &RequestContext) -> Response {
    if let Some(data) = app.0.engine.answer_directly(&prepared, &context.caller).await {
        return render::graphql_data(media, &data);
    }
    // boxed to keep the future of direct queries small
    let (result, was_executed) = Box::pin(app.0.engine.execute(prepared, context.caller.clone())).await;
    let stage = if was_executed { Stage::Executed } else { Stage::NotExecuted };
    respond(stage, media, result.data, result.errors, context)
}

fn refuse(refused: Refused, media: Media, context: &RequestContext) -> Response {
    respond(refused.stage, media, Value::Null, vec![*refused.error], context)
}

/// Presents the errors, logs them, and renders the response.
fn respond(
    stage: Stage,
    media: Media,
    data: Value,
    mut errors: Vec<ServerError>,
    context: &RequestContext,
) -> Response {
    let presented = present(&mut errors, stage == Stage::Executed, context.caller.language(), &context.id);
    for error in &presented {
        render::log_error(error, &context.id);
    }
    let Some(mut response) = render::graphql(stage, media, data, errors) else {
        // does not recurse further: this error is short
        return respond(stage, media, Value::Null, vec![render::response_too_long()], context);
    };
    if let Some(error) = presented.iter().find(|error| error.retry_after.is_some()) {
        render::set_retry_after(&mut response, error);
    }
    response
}

fn malformed(error: ApiError) -> Refused {
    let stage = match error.code {
        Code::MethodNotAllowed => Stage::WrongMethod("GET, POST"),
        code => Stage::Malformed(code),
    };
    Refused { stage, error: Box::new(whole(error)) }
}
