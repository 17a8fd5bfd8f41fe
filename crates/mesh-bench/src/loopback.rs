//! A server on loopback that is as little in the way as a server can be: one thread for each
//! connection, one reply that is formatted beforehand, nothing allocated for a request.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use cpu_time::ThreadTime;

use crate::Failure;

/// What all servers of the process have spent so far, in nanoseconds of CPU time.
static SPENT: AtomicU64 = AtomicU64::new(0);

/// How many requests they are at.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// CPU time of the servers of this process so far, once they are at no request any more.
pub(crate) fn spent() -> Duration {
    while BUSY.load(Ordering::Acquire) > 0 {
        thread::sleep(Duration::from_micros(20));
    }
    Duration::from_nanos(SPENT.load(Ordering::Acquire))
}

/// Adds up what the thread of a connection spends.
struct Account {
    settled: Duration,
}

impl Account {
    /// Opens an account, with a request under way.
    fn open() -> Self {
        BUSY.fetch_add(1, Ordering::AcqRel);
        Self {
            settled: Duration::ZERO,
        }
    }

    /// Does what waits for the next request, as what was at hand is answered.
    fn between<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let spent = ThreadTime::now().as_duration();
        let since = u64::try_from(spent.saturating_sub(self.settled).as_nanos());
        SPENT.fetch_add(since.unwrap_or(u64::MAX), Ordering::AcqRel);
        self.settled = spent;
        BUSY.fetch_sub(1, Ordering::AcqRel);
        let done = wait();
        BUSY.fetch_add(1, Ordering::AcqRel);
        done
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.between(|| ());
        BUSY.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How much is read at a time.
const BUFFER: usize = 64 << 10;

const GO_AHEAD: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A server that answers every request with the same reply, for as long as the process lives.
#[derive(Debug)]
pub(crate) struct Loopback {
    address: SocketAddr,
    connects: Arc<AtomicUsize>,
}

impl Loopback {
    pub(crate) fn start(reply: Vec<u8>) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let connects = Arc::new(AtomicUsize::new(0));
        let counter = connects.clone();
        let reply: Arc<[u8]> = reply.into();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::Relaxed);
                let reply = reply.clone();
                // A client that hangs up ends its connection, and nothing else.
                thread::spawn(move || drop(serve(stream, &reply)));
            }
        });
        Ok(Self { address, connects })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without `/v1`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it has seen.
    pub(crate) fn connects(&self) -> usize {
        self.connects.load(Ordering::Relaxed)
    }
}

fn serve(mut stream: TcpStream, reply: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    let mut held = 0;
    let mut account = Account::open();
    loop {
        if held == 0 {
            held = account.between(|| stream.read(&mut buffer))?;
            if held == 0 {
                return Ok(());
            }
        }
        let end = loop {
            let came = buffer.get(..held).unwrap_or_default();
            if let Some(end) = memchr::memmem::find(came, b"\r\n\r\n") {
                break end + 4;
            }
            held += more(&mut stream, buffer.get_mut(held..).unwrap_or_default())?;
        };
        let header = buffer.get(..end).unwrap_or_default();
        let length = field(header, b"content-length:")
            .and_then(|value| std::str::from_utf8(value).ok()?.trim().parse().ok())
            .unwrap_or(0);
        if field(header, b"expect:").is_some() {
            stream.write_all(GO_AHEAD)?;
        }
        let total = end + length;
        let mut read = held;
        while read < total {
            let room = buffer.len().min(total - read);
            read += more(&mut stream, buffer.get_mut(..room).unwrap_or_default())?;
        }
        // What came with the request but is not of it: the next.
        buffer.copy_within(total.min(held)..held, 0);
        held -= total.min(held);
        stream.write_all(reply)?;
    }
}

/// Reads what there must be more of.
fn more(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    match stream.read(buffer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(count),
    }
}

/// The value of a header, whose name is given in lower case and with its colon.
fn field<'h>(head: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (start, value) = line.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A reply whose body is one document.
pub(crate) fn document(content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nx-request-id: req_01JB\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    reply.extend_from_slice(body);
    reply
}

/// A reply whose body is a stream of events, each in a chunk of its own.
pub(crate) fn events(stream: &[u8]) -> Vec<u8> {
    let mut reply = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_01JB\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let mut start = 0;
    for end in memchr::memmem::find_iter(stream, b"\n\n").map(|at| at + 2) {
        let event = stream.get(start..end).unwrap_or_default();
        reply.extend_from_slice(format!("{:x}\r\n", event.len()).as_bytes());
        reply.extend_from_slice(event);
        reply.extend_from_slice(b"\r\n");
        start = end;
    }
    reply.extend_from_slice(b"0\r\n\r\n");
    reply
}

/// A bare client: what the machine itself takes.
pub(crate) struct Bare(TcpStream);

impl Bare {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends a request, and reads a reply of `length` bytes through `buffer`.
    pub(crate) fn exchange(
        &mut self,
        request: &[u8],
        length: usize,
        buffer: &mut [u8],
    ) -> Result<(), Failure> {
        self.0.write_all(request)?;
        self.read(length, buffer, |_| ())
    }

    /// Reads a reply of `length` bytes through `buffer`, and shows each piece of it.
    pub(crate) fn read(
        &mut self,
        length: usize,
        buffer: &mut [u8],
        mut show: impl FnMut(&[u8]),
    ) -> Result<(), Failure> {
        let mut read = 0;
        while read < length {
            read += match self.0.read(buffer)? {
                0 => return Err("the server hung up".into()),
                count => {
                    show(buffer.get(..count).unwrap_or_default());
                    count
                }
            };
        }
        Ok(())
    }
}

/// A request with a body, as bytes.
pub(crate) fn request(body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer rsk_01JB\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_one_request_after_another_on_one_connection() {
        let reply = document("application/json", b"{}");
        let server = Loopback::start(reply.clone()).unwrap();
        let mut client = Bare::connect(server.address()).unwrap();
        for length in [0, 10, BUFFER, 3 * BUFFER + 1] {
            let mut got = Vec::new();
            client.0.write_all(&request(&vec![b'x'; length])).unwrap();
            client
                .read(reply.len(), &mut [0; 999], |piece| {
                    got.extend_from_slice(piece);
                })
                .unwrap();
            assert_eq!(got, reply);
        }
        assert_eq!(server.connects(), 1);
    }
}
