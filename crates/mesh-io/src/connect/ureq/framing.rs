//! Where the parts of a response begin and end: interim responses, the head, the last chunk.
//!
//! ureq reads responses itself. This follows along as far as needed to take out what it cannot
//! handle, and shows it everything else as it is, faults included.

use std::time::Instant;

use mesh_proto::call::{MAX_RESPONSE_HEAD_BYTES, MAX_RESPONSE_HEADERS};

/// What is longer is no line with a chunk's size.
const LONGEST_SIZE_LINE: usize = 1 << 10;

/// What received bytes begin with, where a head is expected.
#[derive(Debug, PartialEq)]
pub(super) enum Head {
    /// The head is not complete.
    Incomplete,
    /// An interim response of so many bytes (RFC 9110, section 15.2).
    Interim { length: usize, status: u16 },
    /// The final head of so many bytes.
    Final { length: usize, framing: Framing },
    /// More headers, or more bytes of them, than the limits allow.
    TooLarge,
}

impl Head {
    pub(super) fn read(input: &[u8]) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; MAX_RESPONSE_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(input) {
            Ok(httparse::Status::Partial) if input.len() <= MAX_RESPONSE_HEAD_BYTES => {
                Self::Incomplete
            }
            Ok(httparse::Status::Complete(length)) if length <= MAX_RESPONSE_HEAD_BYTES => {
                match response.code.unwrap_or_default() {
                    status @ (100 | 102..=199) => Self::Interim { length, status },
                    status => Self::Final {
                        length,
                        framing: Framing::of(status, &response),
                    },
                }
            }
            Ok(_) | Err(httparse::Error::TooManyHeaders) => Self::TooLarge,
            // ureq finds the same, and says what is wrong.
            Err(_) => Self::Final {
                length: input.len(),
                framing: Framing::Unknown,
            },
        }
    }
}

/// How far a body has been followed.
#[derive(Debug, PartialEq)]
pub(super) enum Framing {
    /// Not chunked, or in no form that ureq reads.
    Unknown,
    /// Before a chunk's size.
    Size,
    /// Within a chunk, this many bytes before its end.
    Data(usize),
    /// After a chunk's data.
    DataEnd,
    /// After the last chunk, of which the line was read then, and this many bytes of trailers.
    Trailers { since: Instant, length: usize },
    /// After the body.
    Ended,
}

impl Framing {
    fn of(status: u16, response: &httparse::Response<'_, '_>) -> Self {
        let is_chunked = response
            .headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case("transfer-encoding"))
            .filter_map(|header| std::str::from_utf8(header.value).ok())
            .flat_map(|value| value.split(','))
            .any(|coding| coding.trim().eq_ignore_ascii_case("chunked"));
        let has_body = !matches!(status, 101 | 204 | 304);
        if is_chunked && has_body && response.version == Some(1) {
            Self::Size
        } else {
            Self::Unknown
        }
    }

    /// Follows `input`, and returns how much of it ureq may read now: all that is complete, up to
    /// the end of the last chunk's line.
    pub(super) fn follow(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            match self {
                Self::Size => match find_line_end(rest) {
                    Some(end) => {
                        *self = match chunk_size(rest.get(..end).unwrap_or_default()) {
                            Some(0) => Self::Trailers {
                                since: Instant::now(),
                                length: 0,
                            },
                            Some(size) => Self::Data(size),
                            None => Self::Unknown,
                        };
                        at += end + 2;
                    }
                    None if rest.len() > LONGEST_SIZE_LINE => *self = Self::Unknown,
                    None => return at,
                },
                Self::Data(left) => {
                    let here = rest.len().min(*left);
                    at += here;
                    *left -= here;
                    if *left > 0 {
                        return at;
                    }
                    *self = Self::DataEnd;
                }
                Self::DataEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        *self = Self::Size;
                        at += 2;
                    }
                    [] | [b'\r'] => return at,
                    _ => *self = Self::Unknown,
                },
                Self::Trailers { .. } | Self::Ended => return at,
                Self::Unknown => return input.len(),
            }
        }
    }
}

/// The size that a chunk's line has, as ureq reads it.
fn chunk_size(line: &[u8]) -> Option<usize> {
    let size = line.split(|byte| *byte == b';').next()?;
    usize::from_str_radix(std::str::from_utf8(size).ok()?.trim(), 16).ok()
}

/// Where the first line ends, without its `CRLF`.
pub(super) fn find_line_end(input: &[u8]) -> Option<usize> {
    let end = input.iter().position(|byte| *byte == b'\r')?;
    (input.get(end + 1) == Some(&b'\n')).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_told_apart() {
        let interim = |input: &[u8], status| Head::Interim {
            length: input.len(),
            status,
        };
        for (input, status) in [
            (&b"HTTP/1.1 100 Continue\r\n\r\n"[..], 100),
            (b"HTTP/1.1 100 Continue\r\nserver: x\r\n\r\n", 100),
            (
                b"HTTP/1.1 103 Early Hints\r\nlink: x\r\nlink: y\r\n\r\n",
                103,
            ),
        ] {
            assert_eq!(Head::read(input), interim(input, status));
        }
        for input in [&b""[..], b"HTTP/1.1 2", b"HTTP/1.1 100 X\r\nserver: x\r\n"] {
            assert_eq!(Head::read(input), Head::Incomplete);
        }
        for (input, framing) in [
            (&b"HTTP/1.1 200 OK\r\n\r\n"[..], Framing::Unknown),
            (b"HTTP/1.1 101 X\r\n\r\n", Framing::Unknown),
            (
                b"HTTP/1.1 204 X\r\ntransfer-encoding: chunked\r\n\r\n",
                Framing::Unknown,
            ),
            (
                b"HTTP/1.0 200 X\r\ntransfer-encoding: chunked\r\n\r\n",
                Framing::Unknown,
            ),
            (
                b"HTTP/1.1 413 X\r\nTransfer-Encoding: x, Chunked\r\n\r\n",
                Framing::Size,
            ),
            (b"5\r\nhello\r\n\r\n", Framing::Unknown),
        ] {
            let length = input.len();
            assert_eq!(Head::read(input), Head::Final { length, framing });
        }
    }

    #[test]
    fn head_has_as_many_headers_and_bytes_as_the_limits_say() {
        let head = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert!(matches!(
            Head::read(head(100).as_bytes()),
            Head::Final { .. }
        ));
        assert_eq!(Head::read(head(101).as_bytes()), Head::TooLarge);
        let long = |size| format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(size));
        assert_eq!(Head::read(long(60_000).as_bytes()), Head::Incomplete);
        assert_eq!(Head::read(long(66_000).as_bytes()), Head::TooLarge);
        let whole = long(66_000) + "\r\n\r\n";
        assert_eq!(Head::read(whole.as_bytes()), Head::TooLarge);
    }

    /// Follows `input` in pieces of `size` bytes, and returns how much of it was shown.
    fn shown(input: &[u8], size: usize) -> (usize, Framing) {
        let (mut framing, mut shown, mut received) = (Framing::Size, 0, 0);
        while received < input.len() {
            received = input.len().min(received + size);
            shown += framing.follow(&input[shown..received]);
        }
        (shown, framing)
    }

    #[test]
    fn trailers_are_held_back_however_the_body_is_cut() {
        for body in [
            "0\r\n",
            "5\r\nhello\r\n0\r\n",
            "1;x=y\r\na\r\nb\r\nhellohellow\r\n000;z\r\n",
        ] {
            for trailers in ["", "\r\n", "a: b\r\n", "a: b\r\n\r\n", "0\r\n0\r\n"] {
                let whole = [body, trailers].concat();
                for size in 1..=whole.len() {
                    let (shown, framing) = shown(whole.as_bytes(), size);
                    assert_eq!(shown, body.len(), "{whole:?} by {size}");
                    assert!(matches!(framing, Framing::Trailers { length: 0, .. }));
                }
            }
        }
    }

    #[test]
    fn what_is_no_chunk_is_shown_as_it_is() {
        for body in [
            "x\r\n",
            "5\r\nhelloworld",
            "-1\r\n",
            "99999999999999999999\r\n",
        ] {
            assert_eq!(shown(body.as_bytes(), 1), (body.len(), Framing::Unknown));
        }
        let long = "1".repeat(2000);
        assert_eq!(shown(long.as_bytes(), 7), (2000, Framing::Unknown));
    }
}
