//! What browsers may cache, and whether they have it already.

use axum::http::{HeaderMap, HeaderValue, header};

/// `Cache-Control` of content that never changes under its name: a year, the longest in use.
pub(super) const IMMUTABLE: HeaderValue = HeaderValue::from_static(crate::media::IMMUTABLE);

/// Whether the client has the content with this `ETag` (RFC 9110, section 13.1.2).
pub(super) fn is_cached_by_client(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut etags = values.flat_map(|value| value.split(',')).map(str::trim);
    etags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}
