//! The gateway on a real socket: HTTP/1.1 over loopback. One thread of its own speaks with all
//! clients; answers that take long are worked out on a few others.

mod body;
mod lanes;
mod paced;
mod seats;
mod socket;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mesh_proto::Moment;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use self::body::{Held, Read};
use self::lanes::{Lanes, Worked};
use self::paced::Paced;
use self::seats::{Seat, Seats};
use self::socket::Socket;
use crate::gateway::{Admitted, Gateway, Reply};

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
    pub fn start_on(gateway: Gateway, address: SocketAddr) -> io::Result<Self> {
        Self::start_with(gateway, address, Patience::default())
    }

    fn start_with(
        mut gateway: Gateway,
        address: SocketAddr,
        patience: Patience,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let lanes = Lanes::new();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(Lanes::threads())
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
            seats: Seats::new(patience.connections),
            held: Held::default(),
            lanes,
            patience,
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

/// How long clients are waited for, and how many at a time.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// For the headers of a request, from the moment at which they may come.
    headers: Duration,
    /// For the next bytes of a body.
    body: Duration,
    /// For a whole body.
    whole_body: Duration,
    /// For a client to take some of what is written.
    writing: Duration,
    /// For an answer, once the client has closed its half of the connection: it may have left.
    half_closed: Duration,
    /// The most connections at a time.
    connections: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(15),
            body: Duration::from_secs(15),
            whole_body: Duration::from_secs(120),
            writing: Duration::from_secs(120),
            half_closed: Duration::from_secs(10),
            connections: 512,
        }
    }
}

/// What the connections share.
#[derive(Debug)]
struct House {
    gateway: Mutex<Gateway>,
    origin: Instant,
    seats: Arc<Seats>,
    held: Held,
    lanes: Lanes,
    patience: Patience,
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
        match house.seats.take() {
            Some(seat) => {
                tokio::spawn(serve(stream, Arc::clone(&house), Arc::new(seat)));
            }
            None => {
                tokio::spawn(seats::turn_away(stream));
            }
        }
    }
}

/// Serves a connection until it ends, or until its seat is given to another one.
async fn serve(stream: TcpStream, house: Arc<House>, seat: Arc<Seat>) {
    let patience = house.patience;
    let stream = Arc::new(stream);
    let socket = Socket::new(Arc::clone(&stream), patience.writing);
    let guest = Arc::clone(&seat);
    let service = service_fn(move |request| {
        let (house, stream, seat) = (Arc::clone(&house), Arc::clone(&stream), Arc::clone(&guest));
        async move { answer(house, stream, seat, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.headers)
        // Whoever has sent all and says so still reads.
        .half_close(true)
        .serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        // What goes wrong with a connection ends it, and concerns nobody else.
        _ = connection => {}
        () = seat.given_away() => {}
    }
}

async fn answer(
    house: Arc<House>,
    stream: Arc<TcpStream>,
    seat: Arc<Seat>,
    request: Request<Incoming>,
) -> Result<Response<Paced>, Infallible> {
    let (head, incoming) = request.into_parts();
    let (read, share) = body::read(&head, incoming, &house, &seat).await;
    let busy = seats::Busy::new(seat);
    let (admitted, after) = match read {
        Read::Whole(body) => {
            let request = Request::from_parts(head, body);
            (house.gateway().admit(request, house.now()), After::Stay)
        }
        Read::TooLarge(rest) => {
            if let Some(rest) = rest {
                tokio::spawn(body::drain(rest, house.patience.whole_body));
            }
            let admitted = house.gateway().admit_oversized(&head, house.now());
            (admitted, After::Close)
        }
        Read::Broken => {
            let admitted = house.gateway().admit_broken(&head, house.now());
            (admitted, After::Close)
        }
        Read::Late => {
            let admitted = house.gateway().admit_late(&head, house.now());
            (admitted, After::Close)
        }
        Read::CrowdedOut(rest) => {
            tokio::spawn(body::drain(rest, house.patience.whole_body));
            let admitted = house.gateway().admit_crowded_out(&head, house.now());
            (admitted, After::Close)
        }
    };
    let worked = work(&house, &stream, admitted).await;
    drop(share);
    let Reply { mut head, frames } = match worked {
        Worked::Answered(answered) => house.gateway().settle(*answered, house.now()),
        Worked::Left => return Ok(nothing(499, &house)),
        Worked::Failed => return Ok(nothing(500, &house)),
    };
    if after == After::Close {
        let close = HeaderValue::from_static("close");
        head.headers.insert(header::CONNECTION, close);
    }
    let body = Paced::new(house.origin, frames, busy);
    Ok(Response::from_parts(head, body))
}

/// A response without a body, after which the connection ends.
fn nothing(status: u16, house: &House) -> Response<Paced> {
    let mut response = Response::new(Paced::nothing(house.origin));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Stay,
    Close,
}

async fn work(house: &House, stream: &TcpStream, admitted: Admitted) -> Worked {
    if admitted.is_quick() {
        return Worked::Answered(Box::new(admitted.answer()));
    }
    tokio::select! {
        biased;
        worked = house.lanes.work(admitted) => worked,
        () = socket::left(stream, house.patience.half_closed) => Worked::Left,
    }
}

#[cfg(test)]
mod tests;
