//! A gateway without a network, and a driver in virtual time: pauses cost nothing, and nothing
//! depends on who is faster.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use mesh_examples::http1::{self, Item};
use mesh_proto::call::{Fault, FaultKind, Stage};
use mesh_proto::{Answer, Call, Endpoint, Error, Moment, Step};

use crate::driver::{Case, Driver, Reaches, Streamed};
use crate::scenario::{Gateway, Need};
use crate::script::{Act, Exchange, Http1Writer, Reads, Shown};
use crate::server::Received;

/// How much a connection takes that nobody reads.
const SOCKET_BUFFER: usize = 256 << 10;

/// A gateway that plays its part in memory.
#[derive(Debug)]
pub struct MemoryGateway {
    gateway: Gateway,
    received: Mutex<Vec<Received>>,
}

impl MemoryGateway {
    /// One that nobody has asked yet.
    pub fn new(gateway: Gateway) -> Self {
        Self {
            gateway,
            received: Mutex::new(Vec::new()),
        }
    }

    /// The requests that have come.
    pub fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exchange for the next request.
    fn next(&self) -> Option<&Exchange> {
        let Gateway::Plays(exchanges) = &self.gateway else {
            return None;
        };
        let index = self.received().len();
        exchanges.get(index).or(exchanges.last())
    }
}

/// The driver in virtual time.
#[derive(Debug)]
pub struct Memory(Case);

impl Driver for Memory {
    const NAME: &'static str = "in memory";
    const CAN: &'static [Need] = &[Need::Http1];
    const REACHES: Reaches = Reaches::Memory;

    fn new(case: &Case) -> Self {
        Self(case.clone())
    }

    fn send<E: Endpoint>(&self, endpoint: E) -> Result<Answer<E::Output>, Error> {
        self.stream(endpoint, &mut |_| {}).result
    }

    fn stream<E: Endpoint>(
        &self,
        endpoint: E,
        seen: &mut dyn FnMut(&E::Event),
    ) -> Streamed<E::Output> {
        let gateway = self.0.memory.as_ref().expect("a gateway in memory");
        let mut now = Moment::after_origin(Duration::from_secs(1_000_000));
        let mut call = match Call::new(endpoint, &self.0.target, &self.0.settings, now, 7) {
            Ok(call) => call,
            Err(error) => return Streamed::failed(error.into()),
        };
        let shown = Shown::default();
        let mut link: Option<(u32, Link<'_>, http1::Exchange)> = None;
        loop {
            match call.poll(now) {
                Step::Send(mut outgoing) => {
                    if let Gateway::Refuses = gateway.gateway {
                        outgoing.fault(Fault::new(FaultKind::Connect));
                        continue;
                    }
                    if let Gateway::NeverAccepts = gateway.gateway {
                        outgoing.progress(Stage::Connecting);
                        now = call.deadline().expect("a limit");
                        continue;
                    }
                    let attempt = outgoing.attempt();
                    if link.as_ref().is_none_or(|(begun, ..)| *begun != attempt) {
                        let exchange = http1::Exchange::new(outgoing.request());
                        link = Some((attempt, Link::to(gateway, shown.clone()), exchange));
                    }
                    let Some((_, link, exchange)) = &mut link else {
                        continue;
                    };
                    link.now = now;
                    match exchange.advance(&mut *link) {
                        Ok(Some(Item::Head(head))) => outgoing.head(*head),
                        Ok(_) => {
                            outgoing.progress(exchange.stage());
                            now = link.wakes(call.deadline());
                        }
                        Err(_) => {
                            outgoing.fault(Fault::new(FaultKind::Lost).after(exchange.sent()));
                        }
                    }
                }
                Step::Receive(incoming) => {
                    let (_, link, exchange) = link.as_mut().expect("a link");
                    link.now = now;
                    match exchange.advance(&mut *link) {
                        Ok(Some(Item::Data(bytes))) => incoming.bytes(bytes),
                        Ok(Some(_)) => incoming.end(),
                        Ok(None) => now = link.wakes(call.deadline()),
                        Err(_) => incoming.fault(Fault::new(FaultKind::Lost)),
                    }
                }
                Step::Wait(until) => {
                    link = None;
                    now = until;
                }
                Step::Event(event) => {
                    seen(&event);
                    shown.add();
                }
                Step::Done(result) => return Streamed::of(result.map_err(Error::from), call),
            }
        }
    }
}

/// A connection: what the client writes is read, and what it reads is played.
struct Link<'g> {
    gateway: &'g MemoryGateway,
    shown: Shown,
    now: Moment,
    /// What has come of a request whose head is still to be read.
    incoming: Vec<u8>,
    request: Option<Request>,
    acts: VecDeque<Act>,
    writer: Http1Writer,
    pieces: VecDeque<Bytes>,
    pause_ends: Option<Moment>,
    end: Option<ErrorKind>,
}

/// A request whose body is being read.
struct Request {
    received: Received,
    wanted: usize,
    is_answered: bool,
}

impl<'g> Link<'g> {
    fn to(gateway: &'g MemoryGateway, shown: Shown) -> Self {
        Self {
            gateway,
            shown,
            now: Moment::ORIGIN,
            incoming: Vec::new(),
            request: None,
            acts: VecDeque::new(),
            writer: Http1Writer::new(),
            pieces: VecDeque::new(),
            pause_ends: None,
            end: None,
        }
    }

    /// When there may be something to read, or else when the call gives up.
    fn wakes(&self, deadline: Option<Moment>) -> Moment {
        let deadline = deadline.expect("a limit");
        let wakes = self.pause_ends.unwrap_or(deadline).min(deadline);
        assert!(wakes > self.now, "client and gateway wait for each other");
        wakes
    }

    /// Reads the request as far as the exchange has it, and begins to answer.
    fn take(&mut self) {
        if self.request.is_none() {
            let end = self
                .incoming
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            let Some(end) = end else { return };
            let head = self.incoming.drain(..end + 4).collect();
            let head = String::from_utf8(head).expect("a head in ASCII");
            let connection = self.gateway.received().len();
            let received = Received::parse(connection, &head).expect("a request");
            let exchange = self.gateway.next().expect("an exchange");
            let wanted = match exchange.reads {
                Reads::Everything => received.length(),
                Reads::First(count) => count,
            };
            self.acts.extend(exchange.acts.iter().cloned());
            self.request = Some(Request {
                received,
                wanted: usize::try_from(wanted).expect("a size"),
                is_answered: false,
            });
        }
        let Some(request) = &mut self.request else {
            return;
        };
        if !request.is_answered && self.incoming.len() >= request.wanted {
            request.is_answered = true;
            let mut received = request.received.clone();
            received.body = self.incoming.drain(..request.wanted).collect();
            self.gateway.received().push(received);
        }
    }

    /// Goes on in the script until there are bytes, an end, or something to wait for.
    fn play(&mut self) {
        while self.pieces.is_empty() && self.end.is_none() {
            if self.pause_ends.is_some_and(|ends| ends > self.now) {
                return;
            }
            self.pause_ends = None;
            let Some(act) = self.acts.front() else { return };
            match act {
                Act::AwaitEvents(count) if self.shown.count() < *count => return,
                Act::Stall => return,
                Act::Pause(duration) => self.pause_ends = Some(self.now.plus(*duration)),
                Act::Reset => self.end = Some(ErrorKind::ConnectionReset),
                act => {
                    self.pieces
                        .extend(self.writer.pieces(act, "http://elsewhere"));
                    if self.writer.closes(act) {
                        self.end = Some(ErrorKind::UnexpectedEof);
                    }
                }
            }
            self.acts.pop_front();
        }
    }
}

impl Read for Link<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.request.as_ref().is_some_and(|it| it.is_answered) {
            self.play();
        }
        let Some(piece) = self.pieces.front_mut() else {
            return match self.end {
                Some(ErrorKind::UnexpectedEof) => Ok(0),
                Some(kind) => Err(kind.into()),
                None => Err(ErrorKind::WouldBlock.into()),
            };
        };
        let count = piece.len().min(out.len());
        piece.copy_to_slice(out.get_mut(..count).unwrap_or_default());
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Ok(count)
    }
}

impl Write for Link<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.end.is_some() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let reads = match &self.request {
            Some(request) if !request.is_answered => request.wanted,
            _ => 0,
        };
        let room = (reads + SOCKET_BUFFER).saturating_sub(self.incoming.len());
        let count = bytes.len().min(room);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.incoming
            .extend_from_slice(bytes.get(..count).unwrap_or_default());
        self.take();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
