//! A server that reads requests and answers as its script says, byte for byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// One thing that the server does to a connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Does not read the request's body, which is read before the first act otherwise.
    IgnoreBody,
    /// Waits until the client has hung up, and reports the request once more.
    AwaitHangUp,
    /// Waits until the gate is opened.
    Await(Gate),
    /// Closes the connection, whatever is outstanding.
    Close,
    /// Closes the connection, and reports the request once more when that is done.
    CloseAndReport,
}

/// A gate that a test opens when it has seen what it was waiting for.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it.
    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*open {
            open = self.0.1.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A request as the server got it.
#[derive(Clone, Debug)]
pub struct Received {
    /// The number of the connection that it came on, from 0.
    pub connection: usize,
    /// The request line.
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
}

/// A server on a loopback port. Each request is answered by the next script, and all beyond the
/// last by the last.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    received: Receiver<Received>,
}

impl ScriptedServer {
    /// Starts to listen.
    pub fn start(scripts: impl IntoIterator<Item = Vec<Act>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let (sender, received) = mpsc::channel();
        let scripts = Arc::new(Mutex::new((scripts.into_iter().collect::<Vec<_>>(), 0)));
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (Ok(stream), sender, scripts) = (stream, sender.clone(), scripts.clone())
                else {
                    return;
                };
                let next = move || {
                    let mut scripts = scripts.lock().unwrap_or_else(PoisonError::into_inner);
                    let index = scripts.1.min(scripts.0.len().saturating_sub(1));
                    scripts.1 += 1;
                    scripts.0.get(index).cloned().unwrap_or_default()
                };
                // A client that goes away ends its connection's thread, and nothing else.
                thread::spawn(move || serve(connection, &stream, next, &sender));
            }
        });
        Self { address, received }
    }

    /// The URL to reach it by.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next request that came, which is waited for.
    pub fn next(&self) -> Received {
        self.received.recv().expect("a request")
    }

    /// The requests that have come and were not asked for.
    pub fn rest(&self) -> Vec<Received> {
        self.received.try_iter().collect()
    }
}

fn serve(
    connection: usize,
    stream: &TcpStream,
    next: impl Fn() -> Vec<Act>,
    sender: &Sender<Received>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|count| *count > 0)?;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut received = Received {
            connection,
            line: line.trim_end().to_owned(),
            headers,
            body: Vec::new(),
        };
        let length: u64 = received
            .header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let acts = next();
        if !acts.iter().any(|act| matches!(act, Act::IgnoreBody)) {
            if received.header("expect").is_some() {
                writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
            }
            reader
                .by_ref()
                .take(length)
                .read_to_end(&mut received.body)
                .ok()?;
        }
        sender.send(received.clone()).ok()?;
        for act in acts {
            match act {
                Act::Send(bytes) => writer.write_all(&bytes).ok()?,
                Act::IgnoreBody => {}
                Act::AwaitHangUp => {
                    // A connection that the client resets ends in an error, which is an end too.
                    let _end = reader.read_to_end(&mut Vec::new());
                    sender.send(received.clone()).ok()?;
                }
                Act::Await(gate) => gate.wait(),
                Act::Close => return None,
                Act::CloseAndReport => {
                    stream.shutdown(Shutdown::Both).ok()?;
                    sender.send(received).ok()?;
                    return None;
                }
            }
        }
    }
}

/// A whole response with its length.
pub fn response(status: u16, headers: &str, body: &str) -> Act {
    Act::Send(
        format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

/// The head of a stream in chunked coding.
pub fn sse_head() -> Act {
    Act::Send(b"HTTP/1.1 200 OK\r\nx-request-id: req_1\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec())
}

/// One chunk of the chunked coding.
pub fn chunk(text: &str) -> Act {
    Act::Send(format!("{:x}\r\n{text}\r\n", text.len()).into_bytes())
}
