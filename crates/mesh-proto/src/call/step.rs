//! The steps of a call, and what may be said in answer to each.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, response};

use super::{Call, Fault, Moment, Stage};
use crate::body::Body;
use crate::call::CallError;
use crate::endpoint::Endpoint;
use crate::head::Answer;

/// What a driver has to do now. Exhaustive on purpose: a new obligation must break every driver.
#[must_use]
pub enum Step<'c, E: Endpoint> {
    /// Start this exchange, unless it is under way for this [`Call::attempt`] already; say how far
    /// it gets, and then its response's head or its fault.
    Send(Outgoing<'c, E>),
    /// Read once from the response's body, and say what came.
    Receive(Incoming<'c, E>),
    /// Drop the exchange; there is nothing to do before this moment.
    Wait(Moment),
    /// One item of the stream.
    Event(E::Event),
    /// The end: the reply with its head, or why there is none.
    Done(Result<Answer<E::Output>, CallError>),
}

impl<E: Endpoint> fmt::Debug for Step<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(outgoing) => outgoing.fmt(f),
            Self::Receive(incoming) => incoming.fmt(f),
            Self::Wait(until) => f.debug_tuple("Wait").field(until).finish(),
            Self::Event(_) => f.write_str("Event"),
            Self::Done(Ok(answer)) => f.debug_tuple("Done").field(&answer.head).finish(),
            Self::Done(Err(error)) => f.debug_tuple("Done").field(error).finish(),
        }
    }
}

/// A request to be sent, and the ways its sending can go on.
pub struct Outgoing<'c, E: Endpoint> {
    pub(super) call: &'c mut Call<E>,
}

impl<E: Endpoint> Outgoing<'_, E> {
    /// The request. Its body is read with [`Body::reader`]. Its headers are those of the protocol;
    /// those of HTTP are the driver's to add: `Host`, and `Content-Length`, which is [`Body::len`].
    pub fn request(&self) -> &Request<Body> {
        &self.call.course.request
    }

    /// The number of the attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.call.attempt()
    }

    /// How long the phases of this exchange may take: for a transport that cannot be interrupted
    /// and has to be told beforehand. The call notices its deadlines by itself all the same.
    pub fn limits(&self) -> ExchangeLimits {
        self.call.course.exchange_limits()
    }

    /// Says how far the exchange has got. A driver that cannot tell says nothing, and its request
    /// counts as sent.
    pub fn progress(&mut self, reached: Stage) {
        self.call.course.take_progress(reached, None);
    }

    /// The same, where the driver knows when that was: at most as late as the next poll.
    pub fn progress_at(&mut self, reached: Stage, at: Moment) {
        self.call.course.take_progress(reached, Some(at));
    }

    /// Sets the time of day at which the response's head was received, for a response without a
    /// `Date`: the reset of a rate limit may be a moment, and nothing here knows a clock. Without it,
    /// such a reset is ignored.
    pub fn received_at(&mut self, at: SystemTime) {
        self.call.course.received = Some(at);
    }

    /// The response's head has come.
    pub fn head(self, parts: response::Parts) {
        self.call.take_head(parts);
    }

    /// The exchange has failed.
    pub fn fault(self, fault: Fault) {
        self.call.take_fault(fault);
    }
}

impl<E: Endpoint> fmt::Debug for Outgoing<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Send(attempt {})", self.call.attempt())
    }
}

/// How long the phases of one exchange may take, none longer than what is left of the whole call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExchangeLimits {
    /// To connect.
    pub connect: Duration,
    /// To send the request, and again from its end to the response's head.
    pub head: Duration,
    /// Between two pieces of the response.
    pub idle: Duration,
    /// For all of it, where the call has such a limit.
    pub total: Option<Duration>,
}

/// A response's body to be read, and what a read can bring.
pub struct Incoming<'c, E: Endpoint> {
    pub(super) call: &'c mut Call<E>,
}

impl<E: Endpoint> Incoming<'_, E> {
    /// These bytes have come.
    pub fn data(self, bytes: &[u8]) {
        self.call.take_bytes(Bytes::copy_from_slice(bytes));
    }

    /// These bytes have come; they are kept as they are, without a copy.
    pub fn bytes(self, bytes: Bytes) {
        self.call.take_bytes(bytes);
    }

    /// The body has ended as it should.
    pub fn end(self) {
        self.call.take_end();
    }

    /// The body has broken off.
    pub fn fault(self, fault: Fault) {
        self.call.take_fault(fault);
    }
}

impl<E: Endpoint> fmt::Debug for Incoming<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receive(attempt {})", self.call.attempt())
    }
}
