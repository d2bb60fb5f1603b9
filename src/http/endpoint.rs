//! `/graphql`: the HTTP side of GraphQL, our own because the library's runs mutations over GET, takes bodies of any
//! length and type, and answers every `Accept` alike.

use async_graphql::{ServerError, Value, parser::types::OperationType};
use axum::{Extension, extract::State, http::Method, response::Response};

use super::{
    App, TIMEOUT,
    accept::{self, Media},
    answer::{self, Stage},
    parameters,
    request::Brought,
    socket, within,
};
use crate::{
    error::{ApiError, Code},
    graphql::{Parameters, Prepared, present, whole},
};

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
    if socket::is_wanted(&parts) {
        // in a box of its own, so that other requests are not as large as a handshake
        let upgraded = Box::pin(socket::upgrade(app, brought.clone(), parts)).await;
        return upgraded.unwrap_or_else(|error| refuse(malformed(error), Media::Json, &brought));
    }
    let Some(media) = accept::negotiate(&parts.headers) else {
        return refuse(malformed(Code::NotAcceptable.into()), Media::Json, &brought);
    };
    let parameters = match parameters::read(&app, &brought, &parts, body).await {
        Ok(parameters) => parameters,
        Err(error) => return refuse(malformed(error), media, &brought),
    };
    let _room = match app.room() {
        Ok(room) => room,
        Err(overloaded) => return refuse(malformed(overloaded), media, &brought),
    };
    match prepare(&app, parameters, &parts.method) {
        Ok(prepared) => execute(&app, prepared, media, &brought).await,
        Err(refused) => refuse(refused, media, &brought),
    }
}

/// Checks what can be checked before anything is executed.
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

async fn execute(app: &App, prepared: Prepared, media: Media, brought: &Brought) -> Response {
    let answered = within(TIMEOUT, answer(app, prepared, media, brought)).await;
    let late = || respond(Stage::Executed, media, Value::Null, vec![whole(Code::Timeout.into())], brought);
    answered.unwrap_or_else(late)
}

async fn answer(app: &App, prepared: Prepared, media: Media, brought: &Brought) -> Response {
    if let Some(data) = app.0.engine.write(&prepared, &brought.caller).await {
        return answer::data(media, &data);
    }
    // likewise, what the shortest way does without
    let (done, began) = Box::pin(app.0.engine.execute(prepared, brought.caller.clone())).await;
    let stage = if began { Stage::Executed } else { Stage::NotExecuted };
    respond(stage, media, done.data, done.errors, brought)
}

fn refuse(refused: Refused, media: Media, brought: &Brought) -> Response {
    respond(refused.stage, media, Value::Null, vec![*refused.error], brought)
}

/// Presents the errors, logs them, and writes the answer.
fn respond(stage: Stage, media: Media, data: Value, mut errors: Vec<ServerError>, brought: &Brought) -> Response {
    let presented = present(&mut errors, stage == Stage::Executed, brought.caller.language(), &brought.id);
    for error in &presented {
        answer::log(error, &brought.id);
    }
    let mut response = answer::graphql(stage, media, data, errors);
    if let Some(error) = presented.iter().find(|error| error.retry_after.is_some()) {
        answer::retry_after(&mut response, error);
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
