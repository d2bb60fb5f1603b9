//! `POST /api/login`: the classic call of a mini program, `wx.request` with a code, without GraphQL. The same login.

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{
    App, TIMEOUT,
    answer::{json_response, problem},
    parameters::read_json,
    request::Brought,
    within,
};
use crate::{
    account::{Device, LoginRequest, Opened},
    error::{ApiError, Code},
    global_id::GlobalId,
    graphql::DateTime,
};

/// Answers `POST /api/login`.
pub(super) async fn login(
    State(app): State<App>,
    Extension(brought): Extension<Brought>,
    request: Request,
) -> Response {
    match log_in(&app, &brought, request).await {
        Ok(opened) => json_response(StatusCode::OK, &body(&opened)),
        Err(error) => problem(&error, &brought),
    }
}

/// Answers other methods than `POST`.
pub(super) async fn post_only(Extension(brought): Extension<Brought>) -> Response {
    let mut response = problem(&Code::MethodNotAllowed.into(), &brought);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn log_in(app: &App, brought: &Brought, request: Request) -> Result<Opened, ApiError> {
    let (parts, body) = request.into_parts();
    let object = read_json(app, brought, &parts.headers, body).await?;
    let _room = app.room()?;
    let code = text(&object, "code")?.ok_or_else(|| bad("`code` is missing.".to_owned()))?;
    let app_id = text(&object, "AppID")?;
    let request = LoginRequest { code, app_id, device: Device::default(), client: brought.caller.client() };
    within(TIMEOUT, app.0.accounts.login(request)).await.unwrap_or_else(|| Err(Code::Timeout.into()))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, ApiError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(format!("`{name}` must be a string."))),
    }
}

fn bad(detail: String) -> ApiError {
    ApiError::new(Code::BadUserInput).detail(detail)
}

fn body(opened: &Opened) -> Value {
    let (tokens, user) = (&opened.tokens, &opened.user);
    json!({
        "token": tokens.access.expose_secret(),
        "expiresAt": DateTime(tokens.access_expires_at).to_text(),
        "refreshToken": tokens.refresh.expose_secret(),
        "isNewUser": opened.is_new_user,
        "user": {
            "id": GlobalId::User(user.id).encode(),
            "nickname": user.nickname,
            "avatarUrl": user.avatar_url,
        },
    })
}
