//! `POST /api/login`: the REST login, for mini programs that call it with `wx.request` and a code.

use axum::{
    Extension,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{
    App, HANDLER_TIMEOUT,
    parameters::read_json,
    render::{json_response, rest_error},
    request::RequestContext,
    with_timeout,
};
use crate::{
    account::{Device, Hosted, IssuedSession, LoginRequest, PhoneProblem},
    error::{ApiError, Code},
    global_id::GlobalId,
    graphql::DateTime,
};

/// Names of the member with the appid. Older front ends use different ones.
const APP_IDS: [&str; 3] = ["AppID", "appId", "appid"];

/// The longest member name in an error, in characters: the name is the client's text.
const MAX_NAME: usize = 40;

/// Handles `POST /api/login`.
pub(super) async fn login(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Response {
    match log_in(&app, &context, request).await {
        Ok(issued) => json_response(StatusCode::OK, &body(&issued, &context)),
        Err(error) => rest_error(&error, &context),
    }
}

async fn log_in(app: &App, context: &RequestContext, request: Request) -> Result<IssuedSession, ApiError> {
    let (parts, body) = request.into_parts();
    let object = read_json(app, context, &parts.headers, body).await?;
    let _permit = app.in_flight_permit(context)?;
    let request = read(&object, context)?;
    with_timeout(HANDLER_TIMEOUT, app.0.accounts.login(request)).await.unwrap_or_else(|| Err(Code::Timeout.into()))
}

/// Reads the members. Unknown ones are refused: if a misspelt `appId` were ignored, the login would use another mini
/// program.
fn read<'a>(object: &'a Map<String, Value>, context: &'a RequestContext) -> Result<LoginRequest<'a>, ApiError> {
    let is_known =
        |name: &str| ["code", "device", "phoneCode", "createUser"].contains(&name) || APP_IDS.contains(&name);
    refuse_unknown(object, is_known, "")?;
    let code = match text(object, "code", "")? {
        Some(code) => code,
        None if context.caller.client().hosted != Hosted::Unknown => "",
        None => return Err(bad("`code` is missing.".to_owned())),
    };
    Ok(LoginRequest {
        code,
        app_id: app_id(object)?,
        device: device(object)?,
        phone_code: text(object, "phoneCode", "")?,
        create_user: create_user(object)?,
        client: context.caller.client(),
    })
}

/// The appid. An empty or missing value means the default mini program.
fn app_id(object: &Map<String, Value>) -> Result<Option<&str>, ApiError> {
    let mut app_id = None;
    for name in APP_IDS {
        let value = text(object, name, "")?.filter(|id| !id.is_empty());
        if app_id.is_some() && value.is_some_and(|value| app_id != Some(value)) {
            return Err(bad("`AppID`, `appId` and `appid` are the same member, and have different values.".to_owned()));
        }
        app_id = value.or(app_id);
    }
    Ok(app_id)
}

fn create_user(object: &Map<String, Value>) -> Result<bool, ApiError> {
    match object.get("createUser") {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(create)) => Ok(*create),
        Some(_) => Err(bad("`createUser` must be `true` or `false`.".to_owned())),
    }
}

fn device(object: &Map<String, Value>) -> Result<Device, ApiError> {
    let device = match object.get("device") {
        None | Some(Value::Null) => return Ok(Device::default()),
        Some(Value::Object(device)) => device,
        Some(_) => return Err(bad("`device` must be an object.".to_owned())),
    };
    refuse_unknown(device, |name| ["id", "name"].contains(&name), "device.")?;
    let text = |name| Ok::<_, ApiError>(text(device, name, "device.")?.map(str::to_owned));
    Ok(Device { id: text("id")?, name: text("name")? })
}

fn refuse_unknown(object: &Map<String, Value>, is_known: impl Fn(&str) -> bool, path: &str) -> Result<(), ApiError> {
    let unknown = object.keys().find(|name| !is_known(name));
    unknown.map_or(Ok(()), |name| {
        let name: String = name.chars().take(MAX_NAME).collect();
        Err(bad(format!("The member `{path}{name}` is unknown.")))
    })
}

fn text<'a>(object: &'a Map<String, Value>, name: &str, path: &str) -> Result<Option<&'a str>, ApiError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(format!("`{path}{name}` must be a string."))),
    }
}

fn bad(detail: String) -> ApiError {
    ApiError::new(Code::BadUserInput).detail(detail)
}

fn body(issued: &IssuedSession, context: &RequestContext) -> Value {
    let language = context.caller.language();
    let error = |problem: PhoneProblem| json!({ "message": problem.message(language), "code": problem.code(), "field": ["phoneCode"] });
    let (tokens, user) = (&issued.tokens, &issued.user);
    let avatar_url = user.avatar_url.as_deref().map(|stored| context.caller.public_url().absolute(stored));
    json!({
        "token": tokens.access.expose_secret(),
        "expiresAt": DateTime(tokens.access_expires_at).to_text(),
        "refreshToken": tokens.refresh.expose_secret(),
        "isNewUser": issued.is_new_user,
        "user": {
            "id": GlobalId::User(user.id).encode(),
            "nickname": user.nickname,
            "avatarUrl": avatar_url,
        },
        "userErrors": issued.phone_problem.map(error).into_iter().collect::<Vec<_>>(),
    })
}
