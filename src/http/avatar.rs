//! `POST /api/avatar`: an upload by `wx.uploadFile`, `multipart/form-data` with the picture in the field `file`. Other
//! fields are skipped. The caller is authenticated before the body is read.

use std::{pin::pin, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use http_body_util::{BodyDataStream, BodyExt};
use multer::{Constraints, Field, Multipart, SizeLimit};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::time::timeout;

use super::{
    App, HANDLER_TIMEOUT,
    parameters::refuse_compressed,
    render::{json_response, rest_error},
    request::RequestContext,
    with_timeout,
};
use crate::{
    error::{ApiError, Code},
    media::MAX_UPLOAD,
    quota::QuotaPermit,
};

/// The name of the field with the picture.
const FIELD: &str = "file";

/// The most bytes of a body in addition to the picture: its other fields and the boundaries.
const FORM_OVERHEAD: usize = 64 * 1024;

/// The limits of bytes of uploads that are being received or decoded, of all clients and of one. A client may be a NAT
/// with thousands of users, and most pictures are small.
pub(super) const MAX_UPLOADING: usize = 128 * 1024 * 1024;
pub(super) const MAX_CLIENT_UPLOADING: usize = MAX_UPLOADING / 4;

/// Bytes that one permit covers.
const PERMIT_BYTES: usize = 64 * 1024;

/// An upload may take this many times `CLIENT_TIMEOUT`: a minute by default, which is the timeout of `wx.uploadFile`.
const TIMEOUT_FACTOR: u32 = 4;

/// How long the client may pause while the rest of a refused body is discarded.
const MAX_DISCARD_PAUSE: Duration = Duration::from_millis(500);

/// An upload with the permits for its bytes.
struct Upload {
    bytes: Vec<u8>,
    permits: Vec<QuotaPermit>,
}

impl AsRef<[u8]> for Upload {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Handles `POST /api/avatar`.
pub(super) async fn upload(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Response {
    let (parts, mut body) = request.into_parts();
    match store(&app, &context, &parts.headers, &mut body).await {
        Ok(path) => json_response(StatusCode::OK, &json!({ "avatarUrl": context.caller.public_url().absolute(&path) })),
        Err(error) => {
            discard(&app, &context, body).await;
            rest_error(&error, &context)
        }
    }
}

/// Discards the rest of a refused body, within limits: a client that is still sending would get a connection reset
/// instead of the response.
async fn discard(app: &App, context: &RequestContext, mut body: Body) {
    let Ok(_permit) = app.body_permit(context) else { return };
    let discarding = async {
        let mut left = MAX_UPLOAD + FORM_OVERHEAD;
        while left > 0
            && let Ok(Some(Ok(frame))) = timeout(MAX_DISCARD_PAUSE, body.frame()).await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    };
    // the connection of a client that takes longer is reset
    timeout(app.0.client_timeout, discarding).await.ok();
}

/// Stores the picture, and returns its path.
async fn store(app: &App, context: &RequestContext, headers: &HeaderMap, body: &mut Body) -> Result<String, ApiError> {
    let token = context.caller.token().ok_or_else(|| ApiError::unauthenticated("MISSING"))?;
    let accounts = &app.0.accounts;
    let caller = accounts.authenticate(token.expose_secret()).await?;
    let boundary = boundary(headers)?;
    refuse_long(headers)?;
    accounts.count_upload(&caller).await?;
    let upload = read(app, context, boundary, body).await?;
    let _permit = app.in_flight_permit(context)?;
    let storing = accounts.upload_avatar(&caller, upload, context.caller.public_url());
    let stored = with_timeout(HANDLER_TIMEOUT, storing).await;
    let user = stored.unwrap_or_else(|| Err(Code::Timeout.into()))?;
    Ok(user.avatar_url.unwrap_or_default())
}

/// The boundary of the form.
fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let detail = "Send the picture as multipart/form-data, in the field `file`.";
    let refused = || ApiError::new(Code::UnsupportedMediaType).detail(detail);
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return Err(refused()) };
    refuse_compressed(headers)?;
    multer::parse_boundary(kind.to_str().unwrap_or_default()).map_err(|_| refused())
}

/// Refuses a body whose `Content-Length` is too long.
fn refuse_long(headers: &HeaderMap) -> Result<(), ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_UPLOAD + FORM_OVERHEAD) { Err(too_large()) } else { Ok(()) }
}

/// Reads the whole body within the timeout.
async fn read(app: &App, context: &RequestContext, boundary: String, body: &mut Body) -> Result<Upload, ApiError> {
    let _permit = app.body_permit(context)?;
    let max_pause = app.0.client_timeout;
    let reading = pin!(read_fields(app, context, boundary, body, max_pause));
    timeout(max_pause.saturating_mul(TIMEOUT_FACTOR), reading).await.unwrap_or_else(|_| Err(Code::Timeout.into()))
}

/// Reads the fields, and returns the first one with the picture.
async fn read_fields(
    app: &App,
    context: &RequestContext,
    boundary: String,
    body: &mut Body,
    max_pause: Duration,
) -> Result<Upload, ApiError> {
    let max_body = u64::try_from(MAX_UPLOAD + FORM_OVERHEAD).unwrap_or(u64::MAX);
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(max_body));
    let mut form = Multipart::with_constraints(BodyDataStream::new(body), boundary, limits);
    let mut upload = None;
    while let Some(mut field) = next_part(max_pause, form.next_field()).await? {
        if field.name() == Some(FIELD) && upload.is_none() {
            upload = Some(read_picture(app, context, &mut field, max_pause).await?);
        } else {
            while next_part(max_pause, field.chunk()).await?.is_some() {}
        }
    }
    upload.filter(|upload| !upload.bytes.is_empty()).ok_or_else(|| bad("The field `file` is missing or empty."))
}

async fn read_picture(
    app: &App,
    context: &RequestContext,
    field: &mut Field<'_>,
    max_pause: Duration,
) -> Result<Upload, ApiError> {
    let mut upload = Upload { bytes: Vec::new(), permits: Vec::new() };
    while let Some(chunk) = next_part(max_pause, field.chunk()).await? {
        upload.append(app, context, &chunk)?;
    }
    Ok(upload)
}

impl Upload {
    /// Appends a chunk, if the upload is not too long and the client's quota permits it.
    fn append(&mut self, app: &App, context: &RequestContext, chunk: &Bytes) -> Result<(), ApiError> {
        if self.bytes.len() + chunk.len() > MAX_UPLOAD {
            return Err(too_large());
        }
        while self.permits.len() * PERMIT_BYTES < self.bytes.len() + chunk.len() {
            self.permits.push(app.upload_permit(context, PERMIT_BYTES)?);
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

/// The next part of the form, unless the client pauses for too long.
async fn next_part<T>(max_pause: Duration, next: impl Future<Output = multer::Result<T>>) -> Result<T, ApiError> {
    match timeout(max_pause, next).await {
        Ok(read) => read.map_err(|error| form_error(&error)),
        Err(_) => Err(Code::Timeout.into()),
    }
}

/// The error for a body that is too long, incomplete, or not a form.
fn form_error(error: &multer::Error) -> ApiError {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => too_large(),
        multer::Error::StreamReadFailed(_) => bad("The body is incomplete."),
        _ => bad("The body is not multipart/form-data, or incomplete."),
    }
}

fn too_large() -> ApiError {
    ApiError::new(Code::PayloadTooLarge).detail("A picture has at most 5 MiB.")
}

fn bad(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadUserInput).detail(detail)
}
