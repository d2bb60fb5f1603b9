//! Static content: compressed before the build or at its first request, with an `ETag` from its hash. tower-http's
//! `ServeDir` does not fit: it serves files of a folder instead of files in the binary, and has no `ETag` for each encoding.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::task::spawn_blocking;

use super::encoding::{Compressed, Encoding};
use crate::http::caching::{IMMUTABLE, is_cached_by_client};

/// Static content with its headers.
pub(super) struct Content {
    media_type: &'static str,
    cache_control: HeaderValue,
    version: String,
    bytes: Compressed,
}

impl Content {
    /// Content that browsers cache and revalidate for each use.
    pub(super) fn new(media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let hash = digest(&SHA256, &bytes);
        let version = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..9]);
        Self { media_type, cache_control: HeaderValue::from_static("no-cache"), version, bytes: Compressed::new(bytes) }
    }

    /// Content whose path contains its version: browsers cache it without revalidation.
    pub(super) fn immutable(media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { cache_control: IMMUTABLE, ..Self::new(media_type, bytes) }
    }

    /// The same content with forms that were compressed before.
    pub(super) fn with_forms(self, gzip: Option<Bytes>, brotli: Option<Bytes>) -> Self {
        Self { bytes: self.bytes.with_forms(gzip, brotli), ..self }
    }

    /// A hash of the content.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Responds to a request for this content.
    pub(super) async fn respond(&'static self, headers: &HeaderMap) -> Response {
        let encoding = Encoding::negotiate(headers);
        let tag = format!("\"{}-{}\"", self.version, encoding.as_str());
        if is_cached_by_client(headers, &tag) {
            return self.with_headers(StatusCode::NOT_MODIFIED.into_response(), encoding, &tag);
        }
        let content = match self.bytes.ready(encoding) {
            Some(content) => content,
            // the first request waits for the compression
            None => match spawn_blocking(move || self.bytes.get(encoding)).await {
                Ok(content) => content,
                Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            },
        };
        self.with_headers(Body::from(content).into_response(), encoding, &tag)
    }

    fn with_headers(&self, mut response: Response, encoding: Encoding, tag: &str) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if encoding != Encoding::Identity {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.as_str()));
        }
        if let Ok(tag) = HeaderValue::from_str(tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}
