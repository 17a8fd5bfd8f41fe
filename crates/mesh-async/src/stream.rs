//! A streamed reply as a [`Stream`].

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use mesh_proto::{Answer, Endpoint, Error, Head};

use crate::driver::{Driver, Progress};

/// The events of a stream as they arrive, and at their end the whole reply. Reads only when it is
/// polled; dropping it closes the connection.
///
/// An error ends the stream; what had arrived until then is in [`EventStream::into_partial`].
pub struct EventStream<E: Endpoint> {
    driver: Box<Driver<E>>,
    reply: Option<Answer<E::Output>>,
    ended: bool,
}

impl<E: Endpoint> EventStream<E> {
    pub(crate) fn new(driver: Box<Driver<E>>) -> Self {
        Self {
            driver,
            reply: None,
            ended: false,
        }
    }

    /// The next event, or `None` at the end. Safe to cancel: nothing is lost.
    pub async fn next(&mut self) -> Option<Result<E::Event, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// The response's head, once it has come.
    pub fn head(&self) -> Option<&Head> {
        self.driver.call().head()
    }

    /// The whole reply, once the last event has been taken.
    pub fn reply(&self) -> Option<&Answer<E::Output>> {
        self.reply.as_ref()
    }

    /// Reads to the end, and gives the whole reply; what had arrived when it fails stays in
    /// [`EventStream::into_partial`].
    ///
    /// Errors as the stream would; once the reply or an error has been given, with
    /// [`Failure::Finished`](mesh_proto::call::Failure::Finished).
    pub async fn finish(&mut self) -> Result<Answer<E::Output>, Error> {
        self.ended = true;
        match self.reply.take() {
            Some(reply) => Ok(reply),
            None => Ok(self.driver.finish().await?),
        }
    }

    /// What had been assembled of the reply, after an error or when the stream is given up.
    pub fn into_partial(self) -> Option<E::Output> {
        match self.reply {
            Some(reply) => Some(reply.into_value()),
            None => self.driver.into_partial(),
        }
    }
}

// Nothing in it is pinned in place.
impl<E: Endpoint> Unpin for EventStream<E> {}

impl<E: Endpoint> Stream for EventStream<E> {
    type Item = Result<E::Event, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        this.driver
            .poll_advance(context)
            .map(|progress| match progress {
                Progress::Event(event) => Some(Ok(event)),
                Progress::Done(result) => {
                    this.ended = true;
                    match result {
                        Ok(reply) => {
                            this.reply = Some(reply);
                            None
                        }
                        Err(error) => Some(Err(error.into())),
                    }
                }
            })
    }
}

impl<E: Endpoint> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventStream")
            .field(self.driver.call())
            .finish()
    }
}
