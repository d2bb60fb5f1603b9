//! The body of a response while it is sent: passed on in chunks, so that its end is noticed when the client has read it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::activity::ResponseGuard;
use crate::quota::QuotaPermit;

/// The longest chunk, in bytes.
const CHUNK: usize = 16 * 1024;

/// A body with the permits it holds.
#[derive(Debug)]
pub(super) struct CountedBody {
    body: Body,
    /// The part of the last frame that is not passed on yet.
    rest: Bytes,
    send_permit: Option<Arc<QuotaPermit>>,
    _response_guard: ResponseGuard,
}

impl CountedBody {
    pub(super) fn new(body: Body, send_permit: Option<Arc<QuotaPermit>>, response_guard: ResponseGuard) -> Self {
        Self { body, rest: Bytes::new(), send_permit, _response_guard: response_guard }
    }

    /// Bytes that hold the permit until the last chunk of them is written to the socket: hyper may hold chunks back while
    /// an HTTP/2 window is closed, and all chunks share one allocation.
    fn with_permit(&self, data: Bytes) -> Bytes {
        match &self.send_permit {
            Some(permit) => Bytes::from_owner(PermittedBytes { data, _permit: Arc::clone(permit) }),
            None => data,
        }
    }
}

struct PermittedBytes {
    data: Bytes,
    _permit: Arc<QuotaPermit>,
}

impl AsRef<[u8]> for PermittedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)?) else { return Poll::Ready(None) };
            match frame.into_data() {
                Ok(data) => self.rest = self.with_permit(data),
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let length = self.rest.len().min(CHUNK);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body_hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body_hint.lower() + rest);
        if let Some(upper) = body_hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::{super::activity::Activity, *};
    use crate::quota::ClientQuota;

    fn response_guard() -> ResponseGuard {
        Arc::new(Activity::default()).start_request(hyper::Version::HTTP_2).start_response()
    }

    #[tokio::test]
    async fn long_body_holds_its_permit_until_the_last_chunk_is_dropped() {
        let (quota, client) = (ClientQuota::new(1, 1), "192.0.2.1/32".parse().unwrap());
        let permit = Arc::new(quota.try_acquire(client, 1).unwrap());
        let mut body = CountedBody::new(Body::from(vec![0; CHUNK * 2]), Some(permit), response_guard());
        let first = body.frame().await.unwrap().unwrap();
        drop(body.frame().await.unwrap().unwrap());
        drop(body);
        assert!(!quota.has_capacity_for(client, 1));
        drop(first);
        assert!(quota.has_capacity_for(client, 1));
    }

    #[tokio::test]
    async fn long_body_is_passed_on_in_chunks_and_completely() {
        let content: Bytes = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut body = CountedBody::new(Body::from(content.clone()), None, response_guard());
        let mut read = Vec::new();
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some((content.len() - read.len()) as u64));
            let chunk = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(!chunk.is_empty() && chunk.len() <= CHUNK);
            read.extend_from_slice(&chunk);
        }
        assert_eq!(read, content);
        assert!(body.frame().await.is_none());
    }
}
