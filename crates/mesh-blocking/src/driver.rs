//! The loop that drives a call with ureq. It decides nothing.

use std::error::Error as StdError;
use std::io::Read;
use std::thread;

use bytes::BytesMut;
use mesh_io::connect::ureq::let_go;
use mesh_proto::call::{Fault, FaultKind, Stage};
use mesh_proto::error::CallError;
use mesh_proto::{Answer, Call, Endpoint, Step};
use ureq::{BodyReader, Timeout};

use crate::agent::{self, Sender};
use crate::client::Clock;

/// A call under way.
pub(crate) struct Driver<E: Endpoint> {
    call: Call<E>,
    sender: Sender,
    clock: Clock,
    response: Option<BodyReader<'static>>,
    /// Where the next bytes go: what one read leaves of it is for the next.
    room: BytesMut,
    /// How much room is made at a time, in bytes.
    piece: usize,
    /// The library's own error behind the last fault.
    source: Option<Box<dyn StdError + Send + Sync>>,
}

pub(crate) enum Progress<E: Endpoint> {
    Event(E::Event),
    Done(Result<Answer<E::Output>, CallError>),
}

impl<E: Endpoint> Driver<E> {
    pub(crate) fn new(call: Call<E>, sender: Sender, clock: Clock) -> Self {
        Self {
            call,
            sender,
            clock,
            response: None,
            room: BytesMut::new(),
            piece: SMALLEST,
            source: None,
        }
    }

    pub(crate) fn call(&self) -> &Call<E> {
        &self.call
    }

    pub(crate) fn into_partial(self) -> Option<E::Output> {
        self.call.into_partial()
    }

    /// Drives the call to its end.
    pub(crate) fn finish(&mut self) -> Result<Answer<E::Output>, CallError> {
        loop {
            if let Progress::Done(result) = self.advance() {
                return result;
            }
        }
    }

    /// Drives the call to its next event or its end.
    pub(crate) fn advance(&mut self) -> Progress<E> {
        loop {
            match self.call.poll(self.clock.now()) {
                Step::Send(mut outgoing) => {
                    self.response = None;
                    match self.sender.send(outgoing.request(), outgoing.limits()) {
                        Ok(response) => {
                            let (parts, body) = response.into_parts();
                            self.room = BytesMut::new();
                            self.piece = body.content_length().map_or(SMALLEST, fitting);
                            self.response = Some(body.into_reader());
                            outgoing.head(parts);
                        }
                        Err((error, fault)) => {
                            if let ureq::Error::Timeout(Timeout::Connect) = error {
                                outgoing.progress(Stage::Connecting);
                            }
                            outgoing.fault(fault);
                            self.source = Some(error.into());
                        }
                    }
                }
                Step::Receive(incoming) => {
                    if self.room.is_empty() {
                        self.room = BytesMut::zeroed(self.piece);
                    }
                    let room = &mut self.room;
                    match self.response.as_mut().map(|body| body.read(room)) {
                        Some(Ok(0)) | None => {
                            // What shares memory with nothing can be decoded where it is.
                            self.room = BytesMut::new();
                            incoming.end();
                        }
                        Some(Ok(count)) if count >= room.len() => {
                            self.piece = LARGEST.min(2 * self.piece);
                            incoming.bytes(std::mem::take(room).freeze());
                        }
                        Some(Ok(count)) => incoming.bytes(room.split_to(count).freeze()),
                        Some(Err(error)) => {
                            let error = ureq::Error::from(error);
                            let kind = match agent::fault_kind(&error) {
                                FaultKind::Connect => FaultKind::Lost,
                                kind => kind,
                            };
                            incoming.fault(Fault::new(kind));
                            self.source = Some(error.into());
                        }
                    }
                }
                Step::Wait(until) => {
                    self.response = None;
                    thread::sleep(until.since(self.clock.now()));
                }
                Step::Event(event) => return Progress::Event(event),
                Step::Done(result) => {
                    if let (Some(body), Ok(_)) = (self.response.take(), &result) {
                        let_go(body);
                    }
                    return Progress::Done(
                        result.map_err(|error| error.with_source(self.source.take())),
                    );
                }
            }
        }
    }
}

/// How much is read at first of a response that does not say its size, such as a stream, in bytes.
const SMALLEST: usize = 4 << 10;

/// How much is read at once at most, in bytes.
const LARGEST: usize = 64 << 10;

/// How much to read of a response of `length` bytes at once.
fn fitting(length: u64) -> usize {
    usize::try_from(length).map_or(LARGEST, |length| length.clamp(1, LARGEST))
}
