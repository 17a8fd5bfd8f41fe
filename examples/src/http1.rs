//! One exchange in HTTP/1.1 (RFC 9112) without I/O: a request goes out and a response comes in
//! over anything that reads and writes without blocking.

use std::io::{self, ErrorKind, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header, response};
use mesh_proto::body::{Body, BodyReader};
use mesh_proto::call::{Sent, Stage};

/// How much is read and written at a time.
const PIECE: usize = 64 << 10;

/// The most that a head may take.
const LONGEST_HEAD: usize = 256 << 10;

/// How many headers a response may have.
const MOST_HEADERS: usize = 128;

/// What a response brings.
#[derive(Debug)]
pub enum Item {
    /// Its head.
    Head(Box<response::Parts>),
    /// A piece of its body.
    Data(Bytes),
    /// Its end.
    End,
}

/// A request on its way out and its response on its way in, at the same time: a gateway may answer
/// before it has the whole request.
#[derive(Debug)]
pub struct Exchange {
    /// What was taken from the request and not by the socket.
    outgoing: BytesMut,
    body: BodyReader,
    begun: bool,
    /// Why nothing more goes out. The response may be there all the same.
    broken: Option<io::Error>,
    incoming: BytesMut,
    framing: Framing,
}

/// What the next bytes of the response are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Head,
    Length(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    UntilClosed,
    Ended,
}

impl Exchange {
    /// An exchange on a connection of its own.
    pub fn new(request: &Request<Body>) -> Self {
        Self {
            outgoing: head_of(request),
            body: request.body().reader(),
            begun: false,
            broken: None,
            incoming: BytesMut::new(),
            framing: Framing::Head,
        }
    }

    /// Writes what `socket` takes, and reads until there is something to tell: `None` where the
    /// socket would block.
    ///
    /// Errors where the connection breaks before the response has ended, or what comes is no
    /// HTTP/1.1.
    pub fn advance(&mut self, mut socket: impl Read + Write) -> io::Result<Option<Item>> {
        let mut piece = vec![0; PIECE];
        loop {
            if let Some(item) = self.parse()? {
                return Ok(Some(item));
            }
            self.write(&mut socket);
            match socket.read(&mut piece) {
                Ok(0) if self.framing == Framing::UntilClosed => self.framing = Framing::Ended,
                Ok(0) => {
                    return Err(self
                        .broken
                        .take()
                        .unwrap_or(ErrorKind::UnexpectedEof.into()));
                }
                Ok(count) => {
                    let come = piece.get(..count).unwrap_or_default();
                    self.incoming.extend_from_slice(come);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether there is something to be written.
    pub fn has_output(&self) -> bool {
        self.broken.is_none() && (!self.outgoing.is_empty() || self.body.remaining() > 0)
    }

    /// How far the exchange has got.
    pub fn stage(&self) -> Stage {
        if self.outgoing.is_empty() && self.body.remaining() == 0 {
            Stage::BodySent
        } else {
            Stage::Connected
        }
    }

    /// How much of the request the gateway can have.
    pub fn sent(&self) -> Sent {
        match (self.begun, self.stage()) {
            (false, _) => Sent::Nothing,
            (true, Stage::BodySent) => Sent::Whole,
            (true, _) => Sent::Part,
        }
    }

    fn write(&mut self, socket: &mut impl Write) {
        while self.has_output() {
            if self.outgoing.is_empty() {
                self.outgoing.resize(PIECE, 0);
                let count = self.body.read(&mut self.outgoing);
                self.outgoing.truncate(count);
            }
            match socket.write(&self.outgoing) {
                Ok(0) => self.broken = Some(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.begun = true;
                    self.outgoing.advance(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.broken = Some(error),
            }
        }
    }

    fn parse(&mut self) -> io::Result<Option<Item>> {
        loop {
            match self.framing {
                Framing::Head => match self.take_head()? {
                    Some(parts) if parts.status.is_informational() => {}
                    Some(parts) => {
                        self.framing = framing(&parts)?;
                        return Ok(Some(Item::Head(Box::new(parts))));
                    }
                    None => return Ok(None),
                },
                Framing::Length(0) | Framing::Ended => {
                    self.framing = Framing::Ended;
                    return Ok(Some(Item::End));
                }
                Framing::Length(left) => return Ok(self.take_data(left, Framing::Length)),
                Framing::Chunk(left) => return Ok(self.take_data(left, Framing::Chunk)),
                Framing::UntilClosed => {
                    return Ok(self.take_data(u64::MAX, |_| Framing::UntilClosed));
                }
                Framing::ChunkSize => match httparse::parse_chunk_size(&self.incoming) {
                    Ok(httparse::Status::Complete((length, size))) => {
                        self.incoming.advance(length);
                        self.framing = if size == 0 {
                            Framing::Trailers
                        } else {
                            Framing::Chunk(size)
                        };
                    }
                    Ok(httparse::Status::Partial) => return Ok(None),
                    Err(_) => return Err(not_http("no size of a chunk")),
                },
                Framing::ChunkEnd => match self.take_line()? {
                    Some(line) if line.is_empty() => self.framing = Framing::ChunkSize,
                    Some(_) => return Err(not_http("a chunk that is longer than it says")),
                    None => return Ok(None),
                },
                Framing::Trailers => match self.take_line()? {
                    Some(line) if line.is_empty() => self.framing = Framing::Ended,
                    Some(_) => {}
                    None => return Ok(None),
                },
            }
        }
    }

    fn take_head(&mut self) -> io::Result<Option<response::Parts>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let length = match parsed.parse(&self.incoming) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if self.incoming.len() <= LONGEST_HEAD => {
                return Ok(None);
            }
            Ok(httparse::Status::Partial) => return Err(not_http("a head without end")),
            Err(error) => return Err(io::Error::new(ErrorKind::InvalidData, error)),
        };
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.status = StatusCode::from_u16(parsed.code.unwrap_or_default())
            .map_err(|_| not_http("no status"))?;
        for header in parsed.headers.iter() {
            let name = HeaderName::from_bytes(header.name.as_bytes());
            let value = HeaderValue::from_bytes(header.value);
            if let (Ok(name), Ok(value)) = (name, value) {
                parts.headers.append(name, value);
            }
        }
        self.incoming.advance(length);
        Ok(Some(parts))
    }

    fn take_data(&mut self, left: u64, rest: fn(u64) -> Framing) -> Option<Item> {
        let count = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(self.incoming.len());
        if count == 0 {
            return None;
        }
        self.framing = match (left - count as u64, self.framing) {
            (0, Framing::Chunk(_)) => Framing::ChunkEnd,
            (left, _) => rest(left),
        };
        Some(Item::Data(self.incoming.split_to(count).freeze()))
    }

    fn take_line(&mut self) -> io::Result<Option<BytesMut>> {
        let Some(length) = self.incoming.iter().position(|byte| *byte == b'\n') else {
            return if self.incoming.len() > LONGEST_HEAD {
                Err(not_http("a line without end"))
            } else {
                Ok(None)
            };
        };
        let mut line = self.incoming.split_to(length + 1);
        line.truncate(line.trim_ascii_end().len());
        Ok(Some(line))
    }
}

/// The host and the port that a request goes to.
///
/// Errors on anything but plain `http`: what is to be encrypted must not go out readable.
pub fn host_and_port(request: &Request<Body>) -> io::Result<(String, u16)> {
    if request.uri().scheme() != Some(&Scheme::HTTP) {
        let reason = "this driver has no TLS; use the http:// URL of a proxy on this machine";
        return Err(io::Error::new(ErrorKind::Unsupported, reason));
    }
    let host = request.uri().host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Ok((bare.to_owned(), request.uri().port_u16().unwrap_or(80)))
}

fn head_of(request: &Request<Body>) -> BytesMut {
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let mut head = BytesMut::new();
    let mut line = |parts: [&[u8]; 3]| {
        for part in parts {
            head.extend_from_slice(part);
        }
        head.extend_from_slice(b"\r\n");
    };
    let method = request.method().as_str().as_bytes();
    line([method, b" ", format!("{target} HTTP/1.1").as_bytes()]);
    let host = request.uri().authority().map_or("", |host| host.as_str());
    line([b"host", b": ", host.as_bytes()]);
    line([b"connection", b": ", b"close"]);
    if !request.body().is_empty() {
        let length = request.body().len().to_string();
        line([b"content-length", b": ", length.as_bytes()]);
    }
    for (name, value) in request.headers() {
        line([name.as_str().as_bytes(), b": ", value.as_bytes()]);
    }
    line([b"", b"", b""]);
    head
}

/// How the body that follows a head is framed (RFC 9112, section 6.3).
fn framing(parts: &response::Parts) -> io::Result<Framing> {
    let no_body = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
    if no_body.contains(&parts.status) {
        return Ok(Framing::Length(0));
    }
    if text(&parts.headers, &header::TRANSFER_ENCODING)
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    {
        return Ok(Framing::ChunkSize);
    }
    match text(&parts.headers, &header::CONTENT_LENGTH) {
        Some(length) => length
            .parse()
            .map(Framing::Length)
            .map_err(|_| not_http("no length")),
        None => Ok(Framing::UntilClosed),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn not_http(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use mesh_proto::body::Segment;
    use proptest::prelude::*;

    use super::*;

    /// A peer that reads a little at a time, and answers in these pieces.
    struct Peer {
        taken: Vec<u8>,
        takes: usize,
        pieces: VecDeque<Vec<u8>>,
    }

    impl Read for Peer {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let piece = self.pieces.pop_front().unwrap_or_default();
            out[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.takes);
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn request() -> Request<Body> {
        let body = Body::new([
            Segment::Literal(Bytes::from_static(b"{\"picture\":\"")),
            Segment::Base64(Bytes::from_static(b"picture")),
            Segment::Literal(Bytes::from_static(b"\"}")),
        ]);
        let request = Request::post("http://localhost:8000/v1/chat/completions");
        request.header("accept", "*/*").body(body).unwrap()
    }

    /// The status, the body, and whether the response ended well.
    fn exchange(response: &[u8], sizes: &[usize]) -> (Option<u16>, Vec<u8>, bool, Vec<u8>) {
        let mut rest = response;
        let mut pieces = VecDeque::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push_back(piece.to_vec());
            rest = after;
        }
        let takes = sizes[0];
        let mut peer = Peer {
            taken: Vec::new(),
            takes,
            pieces,
        };
        let mut exchange = Exchange::new(&request());
        let (mut status, mut body) = (None, Vec::new());
        loop {
            match exchange.advance(&mut peer) {
                Ok(Some(Item::Head(head))) => status = Some(head.status.as_u16()),
                Ok(Some(Item::Data(bytes))) => body.extend_from_slice(&bytes),
                Ok(Some(Item::End)) => return (status, body, true, peer.taken),
                Ok(None) => panic!("nothing would block"),
                Err(_) => return (status, body, false, peer.taken),
            }
        }
    }

    #[test]
    fn nothing_goes_out_readable_that_should_be_encrypted() {
        let to = |url: &str| host_and_port(&Request::get(url).body(Body::empty()).unwrap());
        assert_eq!(
            to("http://[::1]:8000/v1").unwrap(),
            ("::1".to_owned(), 8000)
        );
        assert_eq!(
            to("http://localhost/v1").unwrap(),
            ("localhost".to_owned(), 80)
        );
        assert!(to("https://api.meshapi.ai/v1").is_err());
    }

    proptest! {
        #[test]
        fn a_response_is_the_same_in_any_pieces(sizes in proptest::collection::vec(1_usize..40, 1..9)) {
            let head = "HTTP/1.1 200 OK\r\nx: y\r\n";
            for (rest, body, ends) in [
                ("content-length: 5\r\n\r\nhelloHTTP", "hello", true),
                ("content-length: 5\r\n\r\nhell", "hell", false),
                ("transfer-encoding: Chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nx: y\r\n\r\n", "hello", true),
                ("transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n", "hel", false),
                ("transfer-encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", "hel", false),
                ("transfer-encoding: chunked\r\n\r\nno\r\n", "", false),
                ("\r\nhello", "hello", true),
            ] {
                for interim in ["", "HTTP/1.1 100 Continue\r\n\r\n"] {
                    let response = [interim, head, rest].concat();
                    let (status, come, ended, _) = exchange(response.as_bytes(), &sizes);
                    prop_assert_eq!(status, Some(200));
                    prop_assert_eq!((&come[..], ended), (body.as_bytes(), ends), "{}", rest);
                }
            }
        }

        #[test]
        fn a_request_is_the_same_in_any_pieces(takes in 1_usize..200) {
            let (_, _, _, taken) = exchange(b"HTTP/1.1 204 X\r\n\r\n", &[takes]);
            prop_assert_eq!(
                String::from_utf8(taken).unwrap(),
                "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost:8000\r\nconnection: close\r\ncontent-length: 26\r\naccept: */*\r\n\r\n{\"picture\":\"cGljdHVyZQ==\"}"
            );
        }

        #[test]
        fn no_bytes_make_it_panic(response in any::<Vec<u8>>(), size in 1_usize..9) {
            exchange(&response, &[size]);
            exchange(&[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &response[..]].concat(), &[size]);
        }
    }
}
