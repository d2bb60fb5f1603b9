//! Compresses long answers for clients that can read that. Short ones, which most are, do not even pass by: what compresses
//! is so large that carrying it past them took as long as making them.

use std::{convert::Infallible, future::ready};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, HeaderValue, Request, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use tower::{Service, service_fn};
use tower_http::compression::{Compression, predicate::SizeAbove};

/// Answers longer than this are compressed, in bytes.
const LONG: u64 = 1024;

/// What a client can read.
pub(super) struct Encodings(Vec<HeaderValue>);

impl Encodings {
    /// What the headers of a request say.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get_all(header::ACCEPT_ENCODING).iter().cloned().collect())
    }

    /// The answer as such a client gets it.
    pub(super) async fn compress(self, answer: Response) -> Response {
        if length(&answer).is_some_and(|length| length <= LONG) {
            return answer;
        }
        // in a box of its own, so that short ones do not carry its room along
        Box::pin(self.compressed(answer)).await
    }

    async fn compressed(self, answer: Response) -> Response {
        // an answer to `HEAD` is to say what the one to `GET` would: its body is none, and is not to be seen as short
        let answer = if answer.body().is_end_stream() { answer.map(|_| Body::from_stream(nothing())) } else { answer };
        let mut request = Request::new(Body::empty());
        for encoding in self.0 {
            request.headers_mut().append(header::ACCEPT_ENCODING, encoding);
        }
        let mut answer = Some(answer);
        let answering = service_fn(move |_: Request<Body>| ready(answer.take().ok_or(())));
        let compressed = Compression::new(answering).compress_when(SizeAbove::new(LONG)).call(request).await;
        compressed.map(IntoResponse::into_response).unwrap_or_default()
    }
}

/// Length of an answer, in bytes, as far as it is known.
fn length(answer: &Response) -> Option<u64> {
    let said = answer.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    said.or_else(|| answer.body().size_hint().upper())
}

/// A body of no known length with nothing in it.
fn nothing() -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::empty()
}
