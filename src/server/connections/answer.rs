//! The body of an answer on its way to the client: handed out in pieces, so that no more is held of it than is being
//! sent, and so that it is known when the client has read it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::activity::Delivery;

/// The longest piece, in bytes.
const PIECE: usize = 16 * 1024;

/// A body and what is under way because of it.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    /// What has come of the body, and is not yet handed out.
    rest: Bytes,
    _delivery: Delivery,
}

impl Answer {
    pub(super) fn new(body: Body, delivery: Delivery) -> Self {
        Self { body, rest: Bytes::new(), _delivery: delivery }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)?) else { return Poll::Ready(None) };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, of_body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + rest);
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use http_body_util::BodyExt;

    use super::{super::activity::Activity, *};

    #[tokio::test]
    async fn a_long_body_comes_in_pieces_and_in_full() {
        let activity = Arc::new(Activity::new(Duration::from_secs(1)));
        let content: Bytes = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut answer = Answer::new(Body::from(content.clone()), activity.work().answered());
        let mut read = Vec::new();
        while !answer.is_end_stream() {
            assert_eq!(answer.size_hint().exact(), Some((content.len() - read.len()) as u64));
            let piece = answer.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(!piece.is_empty() && piece.len() <= PIECE);
            read.extend_from_slice(&piece);
        }
        assert_eq!(read, content);
        assert!(answer.frame().await.is_none());
    }
}
