//! The loop that drives a call with ureq. It decides nothing.

use std::error::Error as StdError;
use std::io::Read;
use std::thread;

use mesh_proto::call::{Fault, FaultKind, Stage};
use mesh_proto::error::{CallError, Failure};
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
    buffer: Vec<u8>,
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
            buffer: Vec::new(),
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
                            self.response = Some(body.into_reader());
                            outgoing.head(parts);
                        }
                        Err((error, fault)) => {
                            if let ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) = error
                            {
                                outgoing.progress(Stage::Connecting);
                            }
                            outgoing.fault(fault);
                            self.source = Some(error.into());
                        }
                    }
                }
                Step::Receive(incoming) => {
                    self.buffer.resize(BUFFER, 0);
                    match self
                        .response
                        .as_mut()
                        .map(|body| body.read(&mut self.buffer))
                    {
                        Some(Ok(0)) | None => incoming.end(),
                        Some(Ok(count)) => {
                            incoming.data(self.buffer.get(..count).unwrap_or_default());
                        }
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
                    self.response = None;
                    return Progress::Done(result.map_err(|error| self.explain(error)));
                }
            }
        }
    }

    fn explain(&mut self, error: CallError) -> CallError {
        match (error.failure(), self.source.take()) {
            (Failure::Fault(_), Some(source)) => error.with_source(source),
            _ => error,
        }
    }
}

/// How much is read at a time.
const BUFFER: usize = 64 << 10;
