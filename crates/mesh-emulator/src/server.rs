//! The gateway on a real socket: HTTP/1.1 over loopback, in one thread of its own.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the server is where the clock, the thread and the socket are"
)]

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, request};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mesh_proto::Moment;
use tokio::sync::oneshot;
use tokio::time::Sleep;

use crate::gateway::{Admitted, Gateway, MOST_BODY_BYTES, Reply, ReplyFrame};

/// A gateway that listens. Dropping it closes its connections, ends its thread and frees the port.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    key: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1. Errors are the system's.
    pub fn start(gateway: Gateway) -> io::Result<Self> {
        Self::start_on(gateway, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// Listens on an address; port 0 takes a free one. Errors are the system's: a port in use, an
    /// address of another machine.
    pub fn start_on(mut gateway: Gateway, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(workers)
            .build()?;
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let seed = u64::from(since_1970.subsec_nanos()) << 32 | u64::from(std::process::id());
        gateway.set_out(since_1970.as_secs(), seed, address.ip());
        let key = gateway.key().to_owned();
        let house = Arc::new(House {
            gateway: Mutex::new(gateway),
            origin: Instant::now(),
        });
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("mesh-emulator".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(listener, house) => {}
                        _ = stopped => {}
                    }
                });
                // A picture that is being drawn for nobody is not waited for.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            address,
            key,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL, without `/v1`: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A key to use. Any other of the documented form does as well.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}

/// What the connections share.
#[derive(Debug)]
struct House {
    gateway: Mutex<Gateway>,
    origin: Instant,
}

impl House {
    fn now(&self) -> Moment {
        Moment::after_origin(self.origin.elapsed())
    }

    fn gateway(&self) -> MutexGuard<'_, Gateway> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, house: Arc<House>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others must close first.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Without it small frames of a stream wait for each other; with an error they still arrive.
        let _ = stream.set_nodelay(true);
        let house = Arc::clone(&house);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&house), request));
            // What goes wrong with a connection ends it, and concerns nobody else.
            let _ = http1::Builder::new()
                // Whoever has sent all and says so still reads.
                .half_close(true)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    house: Arc<House>,
    request: Request<Incoming>,
) -> Result<Response<Paced>, Infallible> {
    let (head, body) = request.into_parts();
    let (admitted, after) = match read(&head, body).await {
        Read::Whole(body) => {
            let request = Request::from_parts(head, body);
            (house.gateway().admit(request, house.now()), After::Stay)
        }
        Read::TooLarge(rest) => {
            if let Some(rest) = rest {
                tokio::spawn(drain(rest));
            }
            let admitted = house.gateway().admit_oversized(&head, house.now());
            (admitted, After::Close)
        }
        Read::Broken => {
            let admitted = house.gateway().admit_broken(&head, house.now());
            (admitted, After::Close)
        }
    };
    let Some(reply) = work(&house, admitted).await else {
        let mut response = Response::new(Paced::nothing(house.origin));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return Ok(response);
    };
    let Reply { mut head, frames } = reply;
    if after == After::Close {
        let close = HeaderValue::from_static("close");
        head.headers.insert(header::CONNECTION, close);
    }
    let body = Paced {
        origin: house.origin,
        frames: frames.into_iter(),
        waiting: None,
    };
    Ok(Response::from_parts(head, body))
}

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Stay,
    Close,
}

async fn work(house: &House, admitted: Admitted) -> Option<Reply> {
    let answered = if admitted.is_quick() {
        admitted.answer()
    } else {
        let elsewhere = tokio::task::spawn_blocking(move || admitted.answer());
        elsewhere.await.ok()?
    };
    Some(house.gateway().settle(answered, house.now()))
}

enum Read {
    Whole(Bytes),
    /// With the rest, where the client sends it without being told to.
    TooLarge(Option<Incoming>),
    /// It broke off, or a chunk of it is malformed.
    Broken,
}

async fn read(head: &request::Parts, mut body: Incoming) -> Read {
    let waits = head.headers.contains_key(header::EXPECT);
    if body.size_hint().lower() > MOST_BODY_BYTES {
        return Read::TooLarge((!waits).then_some(body));
    }
    let most = usize::try_from(MOST_BODY_BYTES).unwrap_or(usize::MAX);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0);
    let mut bytes = BytesMut::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Read::Broken;
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len().saturating_add(data.len()) > most {
            return Read::TooLarge(Some(body));
        }
        bytes.extend_from_slice(&data);
    }
    Read::Whole(bytes.freeze())
}

/// Takes what a client still sends, so that closing does not reset the connection before it has
/// read the answer.
async fn drain(mut body: Incoming) {
    const MOST: usize = 1 << 30;
    let mut taken = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        taken = taken.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if taken > MOST {
            return;
        }
    }
}

/// A body whose frames leave at their moments.
struct Paced {
    origin: Instant,
    frames: std::vec::IntoIter<ReplyFrame>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    fn nothing(origin: Instant) -> Self {
        Self {
            origin,
            frames: Vec::new().into_iter(),
            waiting: None,
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

#[cfg(test)]
mod tests;
