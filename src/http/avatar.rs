//! `POST /api/avatar`: a picture as `wx.uploadFile` sends it, `multipart/form-data` with the file in the field `file`.
//! Other fields are skipped. Who sends it is known before anything of the body is read.

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
    parameters::is_encoded,
    render::{json_response, rest_error},
    request::RequestContext,
    with_timeout,
};
use crate::{
    error::{ApiError, Code},
    media::LONGEST,
    quota::QuotaPermit,
};

/// The field that holds the file.
const FIELD: &str = "file";

/// What a body may have beside the file, in bytes: its other fields, and what separates them.
const BESIDE: usize = 64 * 1024;

/// Bytes of files that are on their way or being decoded, of all clients and of one: thousands of people may be behind one
/// address, and most pictures are small.
pub(super) const BYTES: usize = 128 * 1024 * 1024;
pub(super) const BYTES_OF_ONE: usize = BYTES / 4;

/// Bytes that are counted at a time.
const STEP: usize = 64 * 1024;

/// How many times as long as another body a file may take: a minute by default, which is what `wx.uploadFile` waits.
const PATIENCE: u32 = 4;

/// How long the rest of a refused body may pause.
const LINGER: Duration = Duration::from_millis(500);

/// A file that was read. Its bytes count for as long as it is there.
struct File {
    bytes: Vec<u8>,
    counted: Vec<QuotaPermit>,
}

impl AsRef<[u8]> for File {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Answers `POST /api/avatar`.
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

/// Discards the rest of a refused body for as long as it keeps coming: a client that is still sending would see a
/// connection that is reset, and not the answer.
async fn discard(app: &App, context: &RequestContext, mut body: Body) {
    let Ok(_permit) = app.body_permit(context) else { return };
    let discarding = async {
        let mut left = LONGEST + BESIDE;
        while left > 0
            && let Ok(Some(Ok(frame))) = timeout(LINGER, body.frame()).await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    };
    // a client that takes longer is cut
    timeout(app.0.client_timeout, discarding).await.ok();
}

/// Stores the picture, and gives its path.
async fn store(app: &App, context: &RequestContext, headers: &HeaderMap, body: &mut Body) -> Result<String, ApiError> {
    let token = context.caller.token().ok_or_else(|| ApiError::unauthenticated("MISSING"))?;
    let accounts = &app.0.accounts;
    let caller = accounts.authenticate(token.expose_secret()).await?;
    let boundary = boundary(headers)?;
    refuse_long(headers)?;
    accounts.count_upload(&caller).await?;
    let file = read(app, context, boundary, body).await?;
    let _permit = app.in_flight_permit(context)?;
    let storing = accounts.upload_avatar(&caller, file, context.caller.public_url());
    let stored = with_timeout(HANDLER_TIMEOUT, storing).await;
    let user = stored.unwrap_or_else(|| Err(Code::Timeout.into()))?;
    Ok(user.avatar_url.unwrap_or_default())
}

/// What separates the fields of the body.
fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let detail = "Send the picture as multipart/form-data, in the field `file`.";
    let refused = || ApiError::new(Code::UnsupportedMediaType).detail(detail);
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return Err(refused()) };
    if is_encoded(headers) {
        return Err(ApiError::new(Code::UnsupportedMediaType).detail("Do not compress it."));
    }
    multer::parse_boundary(kind.to_str().unwrap_or_default()).map_err(|_| refused())
}

/// Refuses a body that says itself that it is too long.
fn refuse_long(headers: &HeaderMap) -> Result<(), ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST + BESIDE) { Err(too_large()) } else { Ok(()) }
}

/// Reads the body to its end, in as much time as it may take.
async fn read(app: &App, context: &RequestContext, boundary: String, body: &mut Body) -> Result<File, ApiError> {
    let _permit = app.body_permit(context)?;
    let patience = app.0.client_timeout;
    let all = patience.saturating_mul(PATIENCE);
    let reading = pin!(fields(app, context, boundary, body, patience));
    timeout(all, reading).await.unwrap_or_else(|_| Err(Code::Timeout.into()))
}

/// Reads the fields, and keeps the first file.
async fn fields(
    app: &App,
    context: &RequestContext,
    boundary: String,
    body: &mut Body,
    patience: Duration,
) -> Result<File, ApiError> {
    let whole = u64::try_from(LONGEST + BESIDE).unwrap_or(u64::MAX);
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(whole));
    let mut form = Multipart::with_constraints(BodyDataStream::new(body), boundary, limits);
    let mut file = None;
    while let Some(mut field) = soon(patience, form.next_field()).await? {
        if field.name() == Some(FIELD) && file.is_none() {
            file = Some(read_file(app, context, &mut field, patience).await?);
        } else {
            while soon(patience, field.chunk()).await?.is_some() {}
        }
    }
    file.filter(|file| !file.bytes.is_empty()).ok_or_else(|| bad("The field `file` is missing, or empty."))
}

async fn read_file(
    app: &App,
    context: &RequestContext,
    field: &mut Field<'_>,
    patience: Duration,
) -> Result<File, ApiError> {
    let mut file = File { bytes: Vec::new(), counted: Vec::new() };
    while let Some(chunk) = soon(patience, field.chunk()).await? {
        file.append(app, context, &chunk)?;
    }
    Ok(file)
}

impl File {
    /// Appends bytes, where they are not too many, and there is room for them.
    fn append(&mut self, app: &App, context: &RequestContext, chunk: &Bytes) -> Result<(), ApiError> {
        if self.bytes.len() + chunk.len() > LONGEST {
            return Err(too_large());
        }
        while self.counted.len() * STEP < self.bytes.len() + chunk.len() {
            self.counted.push(app.file_permit(context, STEP)?);
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

/// What the client sends next, where it does not pause for too long.
async fn soon<T>(patience: Duration, next: impl Future<Output = multer::Result<T>>) -> Result<T, ApiError> {
    match timeout(patience, next).await {
        Ok(read) => read.map_err(|error| unread(&error)),
        Err(_) => Err(Code::Timeout.into()),
    }
}

/// A body that could not be read was too long, or broke off, or is no form.
fn unread(error: &multer::Error) -> ApiError {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => too_large(),
        multer::Error::StreamReadFailed(_) => bad("The body broke off."),
        _ => bad("The body is no multipart/form-data, or it broke off."),
    }
}

fn too_large() -> ApiError {
    ApiError::new(Code::PayloadTooLarge).detail("A picture has at most 5 MiB.")
}

fn bad(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadUserInput).detail(detail)
}
