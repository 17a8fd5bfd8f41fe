//! A server that reads requests and answers as its script says, byte for byte, in HTTP/1.1.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::script::{Act, Exchange, Http1Writer, Reads, Shown};

/// A request as the server got it.
#[derive(Clone, Debug)]
pub struct Received {
    /// The number of the connection that it came on, from 0.
    pub connection: usize,
    /// The method and the path.
    pub line: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
}

impl Received {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// What its `Content-Length` says, or 0.
    pub(crate) fn length(&self) -> u64 {
        self.header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0)
    }

    /// Reads a head's lines: `None` where they are none of HTTP/1.1.
    pub(crate) fn parse(connection: usize, lines: &str) -> Option<Self> {
        let mut lines = lines.lines();
        let line = lines.next()?.strip_suffix(" HTTP/1.1")?.to_owned();
        let headers = lines
            .map_while(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Some(Self {
            connection,
            line,
            headers: headers.collect(),
            body: Vec::new(),
        })
    }
}

/// A server on a loopback port. Each request is answered by the next exchange, and all beyond the
/// last by the last.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    requests: Receiver<Received>,
    endings: Receiver<usize>,
    shown: Shown,
}

/// What the connections share.
#[derive(Debug)]
struct House {
    exchanges: Vec<Exchange>,
    next: Mutex<usize>,
    shown: Shown,
    elsewhere: String,
    requests: Sender<Received>,
    endings: Sender<usize>,
}

impl ScriptedServer {
    /// Starts to listen.
    pub fn start(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        Self::start_beside(exchanges, "")
    }

    /// As [`ScriptedServer::start`], with exchanges that tell of the server's own base URL.
    pub fn start_telling(exchanges: impl FnOnce(&str) -> Vec<Exchange>) -> Self {
        Self::listen(exchanges, "")
    }

    /// As [`ScriptedServer::start`], with the base URL that `{elsewhere}` stands for.
    pub fn start_beside(exchanges: impl IntoIterator<Item = Exchange>, elsewhere: &str) -> Self {
        Self::listen(|_| exchanges.into_iter().collect(), elsewhere)
    }

    fn listen(exchanges: impl FnOnce(&str) -> Vec<Exchange>, elsewhere: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let (requests, received) = mpsc::channel();
        let (endings, ended) = mpsc::channel();
        let shown = Shown::default();
        let house = Arc::new(House {
            exchanges: exchanges(&format!("http://{address}")),
            next: Mutex::new(0),
            shown: shown.clone(),
            elsewhere: elsewhere.to_owned(),
            requests,
            endings,
        });
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let house = house.clone();
                thread::spawn(move || {
                    // A client that goes away ends its connection's thread, and nothing else.
                    let _gone = serve(&house, connection, &stream);
                    drop(stream);
                    let _nobody_listens = house.endings.send(connection);
                });
            }
        });
        Self {
            address,
            requests: received,
            endings: ended,
            shown,
        }
    }

    /// The URL to reach it by.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many events the client has shown.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// The next request that came, which is waited for.
    pub fn next(&self) -> Received {
        self.requests.recv().expect("a request")
    }

    /// The requests that have come and were not asked for.
    pub fn rest(&self) -> Vec<Received> {
        self.requests.try_iter().collect()
    }

    /// Waits until a connection has ended, whoever ended it, and gives its number.
    pub fn ended(&self) -> usize {
        let patience = Duration::from_secs(60);
        self.endings
            .recv_timeout(patience)
            .expect("a connection's end")
    }
}

fn serve(house: &House, connection: usize, stream: &TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    let mut socket = stream;
    loop {
        let mut lines = String::new();
        while !lines.ends_with("\r\n\r\n") {
            reader
                .read_line(&mut lines)
                .ok()
                .filter(|count| *count > 0)?;
        }
        let mut received = Received::parse(connection, &lines)?;
        let exchange = {
            let mut next = house.next.lock().unwrap_or_else(PoisonError::into_inner);
            let index = (*next).min(house.exchanges.len().saturating_sub(1));
            *next += 1;
            house.exchanges.get(index)?
        };
        let wanted = match exchange.reads {
            Reads::Everything => received.length(),
            Reads::First(count) => count,
        };
        match &exchange.interim {
            Some(interim) => socket.write_all(interim).ok()?,
            None if wanted > 0 && received.header("expect").is_some() => {
                socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
            }
            None => {}
        }
        reader
            .by_ref()
            .take(wanted)
            .read_to_end(&mut received.body)
            .ok()?;
        house.requests.send(received).ok()?;
        let mut writer = Http1Writer::new();
        for act in &exchange.acts {
            for piece in writer.pieces(act, &house.elsewhere) {
                socket.write_all(&piece).ok()?;
            }
            match act {
                Act::Pause(duration) => thread::sleep(*duration),
                Act::AwaitEvents(count) => house.shown.wait_for(*count),
                Act::Stall => {
                    await_hang_up(stream);
                    return None;
                }
                Act::Reset => {
                    SockRef::from(stream)
                        .set_linger(Some(Duration::ZERO))
                        .ok()?;
                    return None;
                }
                act if writer.closes(act) => return None,
                _ => {}
            }
        }
    }
}

/// Takes what the client still sends, until it has closed or reset the connection.
fn await_hang_up(mut stream: &TcpStream) {
    let mut taken = vec![0; 64 << 10];
    while stream.read(&mut taken).is_ok_and(|count| count > 0) {}
}
