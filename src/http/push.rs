//! `/wechat/push/{appid}`: WeChat's message push. The response is plain text, as WeChat expects, and is sent within a
//! second.

use std::time::Duration;

use axum::{
    Extension, Router,
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
    routing::get,
};

use super::{
    App,
    parameters::read_bytes,
    render::{rest_error, text_response},
    request::RequestContext,
    with_timeout,
};
use crate::{
    account::{PushAnswer, PushQuery},
    error::{ApiError, Code},
};

/// How long an event may take. Without the response `success`, WeChat pushes it again.
const TIMEOUT: Duration = Duration::from_millis(900);

/// The response that acknowledges a message.
const ACKNOWLEDGEMENT: &str = "success";

/// The query string of a push. An invalid one is replaced by an empty one, whose signature is wrong.
type QueryResult = Result<Query<PushQuery>, QueryRejection>;

/// Adds the route.
pub(super) fn mount(routes: Router<App>) -> Router<App> {
    routes.route("/wechat/push/{app_id}", get(verify).post(receive))
}

/// Handles WeChat's verification of the URL.
async fn verify(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(app_id): Path<String>,
    query: QueryResult,
) -> Response {
    match app.0.accounts.push_echo(&app_id, &query.unwrap_or_default()) {
        Ok(Some(echo)) => text_response(StatusCode::OK, echo),
        Ok(None) => rest_error(&Code::Forbidden.into(), &context),
        Err(error) => rest_error(&error, &context),
    }
}

/// Handles a message.
async fn receive(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(app_id): Path<String>,
    query: QueryResult,
    request: Request,
) -> Response {
    match process(&app, &context, &app_id, &query.unwrap_or_default(), request).await {
        Ok(PushAnswer::Accepted) => text_response(StatusCode::OK, ACKNOWLEDGEMENT.to_owned()),
        Ok(PushAnswer::Forbidden) => rest_error(&Code::Forbidden.into(), &context),
        Err(error) => rest_error(&error, &context),
    }
}

async fn process(
    app: &App,
    context: &RequestContext,
    app_id: &str,
    query: &PushQuery,
    request: Request,
) -> Result<PushAnswer, ApiError> {
    if !app.0.accounts.may_be_push(app_id, query)? {
        return Ok(PushAnswer::Forbidden);
    }
    let body = read_bytes(app, context, request.into_body()).await?;
    let _permit = app.in_flight_permit(context)?;
    let work = app.0.accounts.handle_push(app_id, query, &body);
    with_timeout(TIMEOUT, work).await.unwrap_or_else(|| Err(Code::Timeout.into()))
}
