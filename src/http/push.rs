//! `/wechat/push/{appid}`: what WeChat pushes. It is answered in plain text, as WeChat expects it, within a second.

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

/// How long an event may take. WeChat pushes one again that is not answered with `success`.
const TIMEOUT: Duration = Duration::from_millis(900);

/// What WeChat takes for an acknowledgement.
const TAKEN: &str = "success";

/// What WeChat writes behind the address; nothing where it makes no sense.
type Signed = Result<Query<PushQuery>, QueryRejection>;

/// Adds the route.
pub(super) fn mount(routes: Router<App>) -> Router<App> {
    routes.route("/wechat/push/{app_id}", get(verify).post(take))
}

/// Answers WeChat's verification of the address.
async fn verify(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(app_id): Path<String>,
    query: Signed,
) -> Response {
    match app.0.accounts.push_echo(&app_id, &query.unwrap_or_default()) {
        Ok(Some(echo)) => text_response(StatusCode::OK, echo),
        Ok(None) => rest_error(&Code::Forbidden.into(), &context),
        Err(error) => rest_error(&error, &context),
    }
}

/// Answers a message.
async fn take(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(app_id): Path<String>,
    query: Signed,
    request: Request,
) -> Response {
    match taken(&app, &context, &app_id, &query.unwrap_or_default(), request).await {
        Ok(PushAnswer::Accepted) => text_response(StatusCode::OK, TAKEN.to_owned()),
        Ok(PushAnswer::Forbidden) => rest_error(&Code::Forbidden.into(), &context),
        Err(error) => rest_error(&error, &context),
    }
}

async fn taken(
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
