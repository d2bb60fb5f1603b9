//! Compresses long responses with tower-http. Adds what its layer lacks: short responses skip it (moving its large future
//! took as long as a short response), a response to `HEAD` gets the headers of the one to `GET`, and compression is
//! complete before the response is sent, so that a client that does not read cannot hold a compressor of several MB.

use std::{
    convert::Infallible,
    future::ready,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    http::{HeaderMap, HeaderValue, Request, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use http_body::{Frame, SizeHint};
use tower::{Service, service_fn};
use tower_http::compression::{Compression, predicate::SizeAbove};

/// Responses longer than this are compressed, in bytes.
const MIN_LENGTH: u64 = 1024;

/// The `Accept-Encoding` of a request.
pub(super) struct Encodings(Vec<HeaderValue>);

impl Encodings {
    /// Reads the headers of a request.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get_all(header::ACCEPT_ENCODING).iter().cloned().collect())
    }

    /// Compresses a response if it is long, not a picture, and the client accepts that.
    pub(super) async fn compress(self, response: Response) -> Response {
        if length(&response).is_some_and(|length| length <= MIN_LENGTH) || is_picture(&response) {
            return response;
        }
        // boxed to keep the future of short responses small
        Box::pin(self.compress_long(response)).await
    }

    async fn compress_long(self, response: Response) -> Response {
        // a response to `HEAD` has no body: a stream of unknown length keeps tower-http from seeing it as short
        let is_empty = response.body().is_end_stream();
        let response = if is_empty { response.map(|_| Body::from_stream(empty_stream())) } else { response };
        let mut request = Request::new(Body::empty());
        for encoding in self.0 {
            request.headers_mut().append(header::ACCEPT_ENCODING, encoding);
        }
        let mut response = Some(response);
        let is_compressed = |response: &Response| response.headers().contains_key(header::CONTENT_ENCODING);
        let was_compressed = response.as_ref().is_some_and(is_compressed);
        let inner = service_fn(move |_: Request<Body>| ready(response.take().ok_or(())));
        let compressed = Compression::new(inner).compress_when(SizeAbove::new(MIN_LENGTH)).call(request).await;
        let response = compressed.map(IntoResponse::into_response).unwrap_or_default();
        if is_compressed(&response) && !was_compressed { buffer(response).await } else { response }
    }
}

/// Runs the compressor to its end and buffers the compressed body.
async fn buffer(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    // the uncompressed body is in memory: reading it cannot fail
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    Response::from_parts(parts, Body::new(CompressedBody(Some(bytes))))
}

/// A compressed body. Its size hint has no upper bound, so that no `Content-Length` is sent: `HEAD` could not send it.
struct CompressedBody(Option<Bytes>);

impl HttpBody for CompressedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.0.as_ref().map_or(0, Bytes::len) as u64);
        hint
    }
}

/// The length of a response in bytes, if it is known.
fn length(response: &Response) -> Option<u64> {
    let header = response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    header.or_else(|| response.body().size_hint().upper())
}

/// Whether a response is a picture, which is compressed already.
fn is_picture(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind == "image/jpeg" || kind == "image/png")
}

fn empty_stream() -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::empty()
}
