//! A call in [smol](https://docs.rs/smol): what a driver in any runtime comes to that has sockets
//! and timers. Dropping the future closes the connection.

use std::error::Error;
use std::future::{Future, pending};
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::time::Instant;

use http::Request;
use mesh_proto::body::Body;
use mesh_proto::call::CallError;
use mesh_proto::call::{Fault, FaultKind, Stage};
use mesh_proto::{Answer, Call, Endpoint, Moment, Step};
use smol::future::or;
use smol::{Async, Timer};

use crate::http1::{self, Exchange, Item};

/// Drives `call`, whose moments are counted from `origin`, to its end; `seen` gets the events.
///
/// Errors as the call does.
pub async fn drive<E: Endpoint>(
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
                let open = match connection.take() {
                    Some(open) if open.attempt == attempt => connection.insert(open),
                    _ => connection.insert(Connection::open(outgoing.request(), attempt)),
                };
                outgoing.progress(open.stage());
                match open.advance() {
                    Ok(Some(Item::Head(head))) => outgoing.head(*head),
                    Ok(_) => or(open.ready(), sleep(origin, call.deadline())).await,
                    Err(error) => {
                        outgoing.fault(open.fault());
                        source = Some(error.into());
                    }
                }
            }
            Step::Receive(incoming) => match connection.as_mut().map(Connection::advance) {
                Some(Ok(Some(Item::Data(bytes)))) => incoming.bytes(bytes),
                Some(Ok(None)) => {
                    let Some(open) = &mut connection else {
                        continue;
                    };
                    or(open.ready(), sleep(origin, call.deadline())).await;
                }
                Some(Ok(Some(_))) | None => incoming.end(),
                Some(Err(error)) => {
                    incoming.fault(Fault::new(FaultKind::Lost));
                    source = Some(error.into());
                }
            },
            Step::Wait(until) => {
                connection = None;
                sleep(origin, Some(until)).await;
            }
            Step::Event(event) => seen(event),
            Step::Done(result) => return result.map_err(|error| error.with_source(source)),
        }
    }
}

async fn sleep(origin: Instant, until: Option<Moment>) {
    match until.and_then(|until| origin.checked_add(until.since_origin())) {
        Some(instant) => drop(Timer::at(instant).await),
        None => pending().await,
    }
}

/// A connection and the exchange on it.
struct Connection {
    attempt: u32,
    socket: Socket,
    exchange: Exchange,
}

enum Socket {
    Connecting(Pin<Box<dyn Future<Output = io::Result<Async<TcpStream>>> + Send>>),
    Failed(Option<io::Error>),
    Open(Async<TcpStream>),
}

impl Connection {
    fn open(request: &Request<Body>, attempt: u32) -> Self {
        let host_and_port = http1::host_and_port(request);
        let connecting = async move {
            let host_and_port = host_and_port?;
            let addresses = smol::unblock(move || host_and_port.to_socket_addrs());
            let address = addresses.await?.next();
            Async::<TcpStream>::connect(address.ok_or(io::ErrorKind::AddrNotAvailable)?).await
        };
        Self {
            attempt,
            socket: Socket::Connecting(Box::pin(connecting)),
            exchange: Exchange::new(request),
        }
    }

    fn advance(&mut self) -> io::Result<Option<Item>> {
        match &mut self.socket {
            Socket::Connecting(_) => Ok(None),
            Socket::Failed(error) => {
                Err(error.take().unwrap_or(io::ErrorKind::NotConnected.into()))
            }
            Socket::Open(socket) => self.exchange.advance(socket.get_ref()),
        }
    }

    fn stage(&self) -> Stage {
        match &self.socket {
            Socket::Open(_) => self.exchange.stage(),
            Socket::Connecting(_) | Socket::Failed(_) => Stage::Connecting,
        }
    }

    fn fault(&self) -> Fault {
        match &self.socket {
            Socket::Open(_) => Fault::new(FaultKind::Lost).after(self.exchange.sent()),
            Socket::Connecting(_) | Socket::Failed(_) => Fault::new(FaultKind::Connect),
        }
    }

    /// Ready when the socket can do more. Safe to drop and to call again.
    async fn ready(&mut self) {
        match &mut self.socket {
            Socket::Connecting(connecting) => {
                self.socket = match connecting.await {
                    Ok(socket) => Socket::Open(socket),
                    Err(error) => Socket::Failed(Some(error)),
                };
            }
            Socket::Failed(_) => {}
            // What is wrong with the socket shows when it is used.
            Socket::Open(socket) if self.exchange.has_output() => {
                let _usable = or(socket.readable(), socket.writable()).await;
            }
            Socket::Open(socket) => {
                let _usable = socket.readable().await;
            }
        }
    }
}
