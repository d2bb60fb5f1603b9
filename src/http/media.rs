//! `GET /media/{key}`: a stored picture. The picture of a key never changes, so clients may cache it forever. The
//! headers make browsers show it only as a picture, whatever its content.

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
    media::{MediaKey, StoredPicture},
};

/// The `Content-Security-Policy` for a browser that opens the picture as a page: it executes and loads nothing.
const POLICY: &str = "default-src 'none'; sandbox";

/// Handles `GET /media/{key}`.
pub(super) async fn picture(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Response {
    // for a path that is not a key, the storage is not called
    let key = MediaKey::of_path(request.uri().path());
    match find(&app, key).await {
        Ok((key, stored)) => respond(&key, stored, request.headers()),
        Err(error) => rest_error(&error, &context),
    }
}

async fn find(app: &App, key: Option<MediaKey>) -> Result<(MediaKey, StoredPicture), ApiError> {
    let key = key.ok_or(Code::NotFound)?;
    let stored = app.0.accounts.picture(&key).await?.ok_or(Code::NotFound)?;
    Ok((key, stored))
}

fn respond(key: &MediaKey, stored: StoredPicture, request_headers: &HeaderMap) -> Response {
    let tag = format!("\"{key}\"");
    let is_known = is_cached_by_client(request_headers, &tag);
    // the body is streamed, so that only one chunk of the picture is in memory
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
