//! A server that plays scripts in HTTP/2, without TLS, to clients that know it beforehand.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use crate::script::{Act, Exchange, Framing, LastStream, Reads, Shown};
use crate::server::Received;

/// A server on a loopback port. Each request is answered by the next exchange, and all beyond the
/// last by the last. Closing and resetting is of the stream.
#[derive(Debug)]
pub(crate) struct Http2Server {
    address: SocketAddr,
    requests: Receiver<Received>,
    shown: Shown,
    /// Ends the server when it is dropped.
    _runtime: tokio::runtime::Runtime,
}

struct House {
    exchanges: Vec<Exchange>,
    next: Mutex<usize>,
    shown: Shown,
    requests: Sender<Received>,
}

impl Http2Server {
    /// Starts to listen.
    pub(crate) fn start(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let (requests, received) = mpsc::channel();
        let shown = Shown::default();
        let house = Arc::new(House {
            exchanges: exchanges.into_iter().collect(),
            next: Mutex::new(0),
            shown: shown.clone(),
            requests,
        });
        runtime.spawn(async move {
            let mut connection = 0;
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(house.clone(), connection, stream));
                connection += 1;
            }
        });
        Self {
            address,
            requests: received,
            shown,
            _runtime: runtime,
        }
    }

    /// The URL to reach it by.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many events the client has shown.
    pub(crate) fn shown(&self) -> &Shown {
        &self.shown
    }

    /// The requests that have come and were not asked for.
    pub(crate) fn rest(&self) -> Vec<Received> {
        self.requests.try_iter().collect()
    }
}

async fn serve(house: Arc<House>, number: usize, stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let stream = stream.into_std().ok()?;
    // For frames that h2 does not write itself. It writes its own whole: they are small, and there
    // is one thread.
    let socket = Arc::new(stream.try_clone().ok()?);
    let stream = TcpStream::from_std(stream).ok()?;
    let mut connection = server::handshake(stream).await.ok()?;
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(
            house.clone(),
            number,
            socket.clone(),
            request,
            respond,
        ));
    }
    None
}

async fn answer(
    house: Arc<House>,
    connection: usize,
    socket: Arc<std::net::TcpStream>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Option<()> {
    let (parts, mut body) = request.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let mut received = Received {
        connection,
        line: format!("{} {}", parts.method, parts.uri.path()),
        headers: headers.collect(),
        body: Vec::new(),
    };
    let exchange = {
        let mut next = house.next.lock().unwrap_or_else(PoisonError::into_inner);
        let index = (*next).min(house.exchanges.len().saturating_sub(1));
        *next += 1;
        house.exchanges.get(index)?
    };
    let wanted = match exchange.reads {
        Reads::Everything => u64::MAX,
        Reads::First(count) => count,
    };
    while (received.body.len() as u64) < wanted
        && let Some(piece) = body.data().await
    {
        let piece = piece.ok()?;
        body.flow_control().release_capacity(piece.len()).ok()?;
        received.body.extend_from_slice(&piece);
    }
    house.requests.send(received).ok()?;
    let mut sender: Option<SendStream<Bytes>> = None;
    for act in &exchange.acts {
        match act {
            Act::Head {
                status,
                headers,
                framing,
            } => {
                let mut head = Response::builder().status(*status);
                for (name, value) in headers {
                    head = head.header(*name, value);
                }
                if let Framing::Length(length) = framing {
                    head = head.header("content-length", length.to_string());
                }
                let ends = *framing == Framing::NoBody;
                let sent = respond.send_response(head.body(()).ok()?, ends);
                sender = Some(sent.ok()?);
            }
            Act::Data(bytes) => send(sender.as_mut()?, bytes.clone()).await?,
            Act::Bytewise(bytes) => {
                for at in 0..bytes.len() {
                    send(sender.as_mut()?, bytes.slice(at..=at)).await?;
                }
            }
            Act::End => sender.as_mut()?.send_data(Bytes::new(), true).ok()?,
            Act::Pause(duration) => tokio::time::sleep(*duration).await,
            Act::AwaitEvents(count) => {
                let (shown, count) = (house.shown.clone(), *count);
                let waiting = tokio::task::spawn_blocking(move || shown.wait_for(count));
                waiting.await.ok()?;
            }
            Act::Stall => {
                let wait = Duration::from_secs(60);
                let gone = std::future::poll_fn(|context| match &mut sender {
                    Some(sender) => sender.poll_reset(context),
                    None => respond.poll_reset(context),
                });
                tokio::time::timeout(wait, gone).await.ok()?.ok()?;
            }
            Act::Close | Act::Reset => match &mut sender {
                Some(sender) => sender.send_reset(Reason::INTERNAL_ERROR),
                None => respond.send_reset(Reason::INTERNAL_ERROR),
            },
            Act::Refuse => match &mut sender {
                Some(sender) => sender.send_reset(Reason::REFUSED_STREAM),
                None => respond.send_reset(Reason::REFUSED_STREAM),
            },
            Act::GoAway(last) => {
                let this = respond.stream_id().as_u32();
                let mut socket = &*socket;
                socket
                    .write_all(&go_away(match last {
                        LastStream::This => this,
                        LastStream::Before => this.saturating_sub(2),
                    }))
                    .ok()?;
            }
            Act::Raw(_) => unreachable!("raw bytes need HTTP/1.1"),
        }
    }
    Some(())
}

/// A `GOAWAY` frame without an error (RFC 9113, section 6.8). h2 does not let a server name a last
/// stream below those that it has accepted.
fn go_away(last_stream: u32) -> Vec<u8> {
    const HEADER: [u8; 9] = [0, 0, 8, 7, 0, 0, 0, 0, 0];
    let no_error = [0; 4];
    [&HEADER[..], &last_stream.to_be_bytes(), &no_error].concat()
}

/// Sends as the client's window allows.
async fn send(sender: &mut SendStream<Bytes>, mut bytes: Bytes) -> Option<()> {
    while !bytes.is_empty() {
        sender.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|context| sender.poll_capacity(context))
            .await?
            .ok()?;
        let piece = bytes.split_to(room.min(bytes.len()));
        sender.send_data(piece, false).ok()?;
    }
    Some(())
}
