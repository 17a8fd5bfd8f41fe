//! What a gateway does, written down: exchanges, each a list of acts.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

/// What the gateway does with one request.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// How much of the request's body is read before the first act.
    pub reads: Reads,
    /// What is sent before the body is read, instead of the go-ahead for one that waits for it.
    pub interim: Option<Bytes>,
    /// What is done then, in order.
    pub acts: Vec<Act>,
}

/// How much of a request's body a gateway reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// All of it.
    Everything,
    /// This many bytes; what is beyond is taken in a stall at the earliest.
    First(u64),
}

/// One thing that a gateway does to a connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Begins a response.
    Head {
        /// Its status.
        status: u16,
        /// Its headers, but for those that frame the body. `{elsewhere}` in a value stands for the
        /// base URL of another server.
        headers: Vec<(&'static str, String)>,
        /// How the end of the body is told.
        framing: Framing,
    },
    /// Sends a piece of the body.
    Data(Bytes),
    /// Sends a piece of the body, each byte by itself.
    Bytewise(Bytes),
    /// Ends the body as its framing has it.
    End,
    /// Sends bytes as they are, without any framing (HTTP/1.1 only).
    Raw(Bytes),
    /// Does nothing for so long.
    Pause(Duration),
    /// Waits until the client has shown this many events.
    AwaitEvents(usize),
    /// Sends nothing more, and waits until the client hangs up.
    Stall,
    /// Closes the connection, whatever is outstanding.
    Close,
    /// Resets the connection.
    Reset,
    /// Resets the stream with `REFUSED_STREAM`: nothing was processed (HTTP/2 only).
    Refuse,
    /// Sends `GOAWAY` (HTTP/2 only).
    GoAway(LastStream),
}

/// The last stream that a `GOAWAY` says is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStream {
    /// That of this exchange.
    This,
    /// The one before it.
    Before,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By its length, said beforehand.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// By the connection's end.
    UntilClosed,
    /// There is none.
    NoBody,
}

impl Exchange {
    /// An exchange in which the whole request is read first.
    pub fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            reads: Reads::Everything,
            interim: None,
            acts: acts.into_iter().collect(),
        }
    }

    /// A response in one piece, with the request id `req_1`.
    pub fn answer(status: u16, body: impl Into<Bytes>) -> Self {
        Self::answer_with(status, &[], body)
    }

    /// As [`Exchange::answer`], with further headers.
    pub fn answer_with(
        status: u16,
        headers: &[(&'static str, &str)],
        body: impl Into<Bytes>,
    ) -> Self {
        let body = body.into();
        let head = head(status, headers, Framing::Length(body.len() as u64));
        Self::new([head, Act::Data(body), Act::End])
    }

    /// A response in one piece whose header lines, but for its length, are these to the letter.
    pub fn response(status: u16, header_lines: &str, body: &str) -> Self {
        let length = body.len();
        let whole =
            format!("HTTP/1.1 {status} X\r\n{header_lines}content-length: {length}\r\n\r\n{body}");
        Self::new([Act::Raw(whole.into())])
    }

    /// A stream of events: the head, and then what is done.
    pub fn stream(acts: impl IntoIterator<Item = Act>) -> Self {
        Self::new([stream_head()].into_iter().chain(acts))
    }

    /// A stream of events that comes in these pieces, and ends.
    pub fn events<T: Into<Bytes>>(pieces: impl IntoIterator<Item = T>) -> Self {
        let pieces = pieces.into_iter().map(|piece| Act::Data(piece.into()));
        Self::stream(pieces.chain([Act::End]))
    }

    /// The same, where only this much of the request's body is read.
    pub fn reading(mut self, count: u64) -> Self {
        self.reads = Reads::First(count);
        self
    }

    /// The same, where this is sent before the request's body is read (HTTP/1.1 only).
    pub fn with_interim(mut self, bytes: impl Into<Bytes>) -> Self {
        self.interim = Some(bytes.into());
        self
    }

    /// The same, and then this.
    pub fn then(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }

    /// Whether it ends with the connection.
    pub fn hangs_up(&self) -> bool {
        matches!(self.acts.last(), Some(Act::Close | Act::Reset))
    }
}

/// A head with the request id `req_1`.
pub fn head(status: u16, headers: &[(&'static str, &str)], framing: Framing) -> Act {
    let own = [("x-request-id", "req_1".to_owned())];
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    Act::Head {
        status,
        headers: own.into_iter().chain(headers).collect(),
        framing,
    }
}

/// The head of a stream of events.
pub fn stream_head() -> Act {
    head(
        200,
        &[("content-type", "text/event-stream")],
        Framing::Chunked,
    )
}

/// How many events the client has shown: what [`Act::AwaitEvents`] waits for.
#[derive(Clone, Debug, Default)]
pub struct Shown(Arc<(Mutex<usize>, Condvar)>);

impl Shown {
    /// Says that one more has been shown.
    pub fn add(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.1.notify_all();
    }

    /// How many there have been.
    pub fn count(&self) -> usize {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there have been this many.
    pub fn wait_for(&self, count: usize) {
        let mut shown = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *shown < count {
            shown = self.0.1.wait(shown).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What the acts are in HTTP/1.1, one after the other.
#[derive(Debug)]
pub(crate) struct Http1Writer {
    framing: Framing,
}

impl Http1Writer {
    pub(crate) fn new() -> Self {
        Self {
            framing: Framing::NoBody,
        }
    }

    /// The bytes of an act that sends some, each as one piece.
    pub(crate) fn pieces(&mut self, act: &Act, elsewhere: &str) -> Vec<Bytes> {
        match act {
            Act::Head {
                status,
                headers,
                framing,
            } => {
                self.framing = *framing;
                let mut lines = vec![format!("HTTP/1.1 {status} X")];
                for (name, value) in headers {
                    let value = value.replace("{elsewhere}", elsewhere);
                    lines.push(format!("{name}: {value}"));
                }
                match framing {
                    Framing::Length(length) => lines.push(format!("content-length: {length}")),
                    Framing::Chunked => lines.push("transfer-encoding: chunked".to_owned()),
                    Framing::UntilClosed => lines.push("connection: close".to_owned()),
                    Framing::NoBody => {}
                }
                vec![Bytes::from(lines.join("\r\n") + "\r\n\r\n")]
            }
            // An empty chunk would be the last.
            Act::Data(bytes) if bytes.is_empty() => Vec::new(),
            Act::Data(bytes) => vec![self.framed(bytes.clone())],
            Act::Bytewise(bytes) => (0..bytes.len())
                .map(|at| self.framed(bytes.slice(at..=at)))
                .collect(),
            Act::End if self.framing == Framing::Chunked => vec![Bytes::from_static(b"0\r\n\r\n")],
            Act::Raw(bytes) => vec![bytes.clone()],
            _ => Vec::new(),
        }
    }

    /// Whether an act ends the connection in this framing.
    pub(crate) fn closes(&self, act: &Act) -> bool {
        matches!(act, Act::Close)
            || (matches!(act, Act::End) && self.framing == Framing::UntilClosed)
    }

    fn framed(&self, bytes: Bytes) -> Bytes {
        if self.framing != Framing::Chunked {
            return bytes;
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(&bytes);
        chunk.extend_from_slice(b"\r\n");
        chunk.into()
    }
}
