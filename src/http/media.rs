//! `GET /media/{key}`: a stored picture. It never changes under its name, so it may be kept for ever; and it is shown as a
//! picture and nothing else, whatever is in it.

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

use super::{
    App,
    caching::{IMMUTABLE, is_cached_by_client},
    render::rest_error,
    request::RequestContext,
};
use crate::{
    error::{ApiError, Code},
    media::{MediaKey, Stored},
};

/// Nothing runs, and nothing is loaded, where a browser opens the picture by itself.
const POLICY: &str = "default-src 'none'; sandbox";

/// Answers `GET /media/{key}`.
pub(super) async fn picture(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Response {
    // what is no name of a picture is looked for nowhere
    let key = MediaKey::of_path(request.uri().path());
    match find(&app, key).await {
        Ok((key, stored)) => answer(&key, stored, request.headers()),
        Err(error) => rest_error(&error, &context),
    }
}

async fn find(app: &App, key: Option<MediaKey>) -> Result<(MediaKey, Stored), ApiError> {
    let key = key.ok_or(Code::NotFound)?;
    let stored = app.0.accounts.picture(&key).await?.ok_or(Code::NotFound)?;
    Ok((key, stored))
}

fn answer(key: &MediaKey, stored: Stored, asked: &HeaderMap) -> Response {
    let tag = format!("\"{key}\"");
    let is_known = is_cached_by_client(asked, &tag);
    // read as the client reads: of a picture one part at a time is in memory
    let length = HeaderValue::from(stored.length);
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from_stream(stored.bytes) });
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, IMMUTABLE);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(key.format().media_type()));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    let name = format!("inline; filename=\"avatar.{}\"", key.format().extension());
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}
