//! Bodies of responses whose pieces leave at their moments.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;

use super::seats::Busy;
use crate::gateway::ReplyFrame;

/// A body whose frames leave at their moments.
pub(super) struct Paced {
    origin: Instant,
    frames: std::vec::IntoIter<ReplyFrame>,
    waiting: Option<Pin<Box<Sleep>>>,
    /// The connection is busy until the body has left.
    _busy: Option<Busy>,
}

impl Paced {
    pub(super) fn new(origin: Instant, frames: Vec<ReplyFrame>, busy: Busy) -> Self {
        Self {
            origin,
            frames: frames.into_iter(),
            waiting: None,
            _busy: Some(busy),
        }
    }

    pub(super) fn nothing(origin: Instant) -> Self {
        Self {
            origin,
            frames: Vec::new().into_iter(),
            waiting: None,
            _busy: None,
        }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(next) = self.frames.as_slice().first() else {
            return Poll::Ready(None);
        };
        let after = next.at.since_origin();
        if let Some(early) = after.checked_sub(self.origin.elapsed()) {
            let timer = self
                .waiting
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(early)));
            ready!(timer.as_mut().poll(context));
        }
        self.waiting = None;
        let frame = self.frames.next();
        Poll::Ready(frame.map(|frame| Ok(Frame::data(frame.bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.frames.as_slice().is_empty()
    }
}
