//! Compresses long answers for clients that can read that. Short ones, which most are, do not even pass by: what compresses
//! is so large that carrying it past them took as long as making them.

use std::future::ready;

use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, HeaderValue, Request, header},
    response::{IntoResponse, Response},
};
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
        let is_short = answer.body().size_hint().upper().is_some_and(|length| length <= LONG);
        if is_short {
            return answer;
        }
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
