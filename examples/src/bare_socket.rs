//! A call over a non-blocking socket, without a runtime and without threads: for a program that
//! has an event loop of its own.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::ToSocketAddrs;
use std::time::{Duration, Instant};

use http::Request;
use mesh_proto::body::Body;
use mesh_proto::call::CallError;
use mesh_proto::call::{Fault, FaultKind, Stage};
use mesh_proto::{Answer, Call, Endpoint, Moment, Step};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::http1::{self, Exchange, Item};

/// Drives `call`, whose moments are counted from `origin`, to its end; `seen` gets the events.
///
/// Errors as the call does.
pub fn drive<E: Endpoint>(
    call: &mut Call<E>,
    origin: Instant,
    mut seen: impl FnMut(E::Event),
) -> Result<Answer<E::Output>, CallError> {
    let now = || Moment::after_origin(origin.elapsed());
    let mut connection: Option<Connection> = None;
    let mut source: Option<Box<dyn Error + Send + Sync>> = None;
    loop {
        match call.poll(now()) {
            Step::Send(mut outgoing) => {
                let attempt = outgoing.attempt();
                if connection.as_ref().is_none_or(|it| it.attempt != attempt) {
                    connection = None;
                    match Connection::open(outgoing.request(), attempt) {
                        Ok(opened) => connection = Some(opened),
                        Err(error) => {
                            outgoing.fault(Fault::new(FaultKind::Connect));
                            source = Some(error.into());
                        }
                    }
                    continue;
                }
                let Some(open) = &mut connection else {
                    continue;
                };
                match open.advance() {
                    Ok(Some(Item::Head(head))) => outgoing.head(*head),
                    Ok(_) => {
                        outgoing.progress(open.stage());
                        open.wait(call.deadline(), now());
                    }
                    Err(error) => {
                        outgoing.fault(open.fault());
                        source = Some(error.into());
                    }
                }
            }
            Step::Receive(incoming) => match connection.as_mut().map(Connection::advance) {
                Some(Ok(Some(Item::Data(bytes)))) => incoming.bytes(bytes),
                Some(Ok(None)) => connection
                    .iter_mut()
                    .for_each(|it| it.wait(call.deadline(), now())),
                Some(Ok(Some(_))) | None => incoming.end(),
                Some(Err(error)) => {
                    incoming.fault(Fault::new(FaultKind::Lost));
                    source = Some(error.into());
                }
            },
            Step::Wait(until) => {
                connection = None;
                std::thread::sleep(until.since(now()));
            }
            Step::Event(event) => seen(event),
            Step::Done(result) => return result.map_err(|error| error.with_source(source)),
        }
    }
}

/// A connection and the exchange on it.
struct Connection {
    attempt: u32,
    poll: Poll,
    events: Events,
    socket: TcpStream,
    is_connected: bool,
    exchange: Exchange,
}

impl Connection {
    fn open(request: &Request<Body>, attempt: u32) -> io::Result<Self> {
        let address = http1::host_and_port(request)?.to_socket_addrs()?.next();
        let mut socket = TcpStream::connect(address.ok_or(ErrorKind::AddrNotAvailable)?)?;
        let poll = Poll::new()?;
        let either = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut socket, Token(0), either)?;
        Ok(Self {
            attempt,
            poll,
            events: Events::with_capacity(8),
            socket,
            is_connected: false,
            exchange: Exchange::new(request),
        })
    }

    fn advance(&mut self) -> io::Result<Option<Item>> {
        if !self.is_connected {
            if let Some(error) = self.socket.take_error()? {
                return Err(error);
            }
            match self.socket.peer_addr() {
                Ok(_) => self.is_connected = true,
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        self.exchange.advance(&mut self.socket)
    }

    fn stage(&self) -> Stage {
        if self.is_connected {
            self.exchange.stage()
        } else {
            Stage::Connecting
        }
    }

    fn fault(&self) -> Fault {
        if self.is_connected {
            Fault::new(FaultKind::Lost).after(self.exchange.sent())
        } else {
            Fault::new(FaultKind::Connect)
        }
    }

    /// Waits until the socket can do more, or the call has to be polled again.
    fn wait(&mut self, deadline: Option<Moment>, now: Moment) {
        // A millisecond more, because what is waited for is rounded down to one.
        let limit = deadline.map(|at| at.since(now).saturating_add(Duration::from_millis(1)));
        // A wait that a signal cuts short ends early, and the loop comes here again.
        let _interrupted = self.poll.poll(&mut self.events, limit);
    }
}
