//! A streamed reply as an iterator.

use std::fmt;

use mesh_proto::{Answer, Endpoint, Error, Head};

use crate::driver::{Driver, Progress};

/// The events of a stream as they arrive, and at their end the whole reply. Reads only when it is
/// asked for the next event; dropping it closes the connection.
///
/// An error ends the iteration; what had arrived until then is in [`EventStream::into_partial`].
pub struct EventStream<E: Endpoint> {
    driver: Driver<E>,
    reply: Option<Answer<E::Output>>,
    ended: bool,
}

impl<E: Endpoint> EventStream<E> {
    pub(crate) fn new(driver: Driver<E>) -> Self {
        Self {
            driver,
            reply: None,
            ended: false,
        }
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
    /// Errors as the iteration would; once the reply or an error has been given, with
    /// [`Failure::Finished`](mesh_proto::call::Failure::Finished).
    pub fn finish(&mut self) -> Result<Answer<E::Output>, Error> {
        self.ended = true;
        match self.reply.take() {
            Some(reply) => Ok(reply),
            None => Ok(self.driver.finish()?),
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

impl<E: Endpoint> Iterator for EventStream<E> {
    type Item = Result<E::Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.driver.advance() {
            Progress::Event(event) => Some(Ok(event)),
            Progress::Done(result) => {
                self.ended = true;
                match result {
                    Ok(reply) => {
                        self.reply = Some(reply);
                        None
                    }
                    Err(error) => Some(Err(error.into())),
                }
            }
        }
    }
}

impl<E: Endpoint> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventStream")
            .field(self.driver.call())
            .finish()
    }
}
