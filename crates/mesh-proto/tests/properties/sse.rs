//! Any bytes in any pieces are the frames that the standard describes.

use std::time::Duration;

use bytes::Bytes;
use mesh_proto::sse::Decoder;

use super::cuts;

#[derive(Clone, Debug, PartialEq)]
struct Frame {
    event: Vec<u8>,
    data: Vec<u8>,
    id: Vec<u8>,
    terminated: bool,
}

pub(super) fn hold(data: &[u8]) {
    let expected = reference(data);
    let mut ways = cuts(data);
    ways.push(vec![data]);
    for pieces in ways {
        assert_eq!(decode(&mut Decoder::new(), &pieces), Some(expected.clone()));
        // A limit never changes what is given, and what is given stays below it.
        let limit = 1 + data.len() / 2;
        let mut limited = Decoder::with_limit(limit);
        let mut given = Vec::new();
        let whole = drain(&mut limited, &pieces, &mut given);
        assert_eq!(given, expected.0[..given.len()]);
        assert!(given.iter().all(|frame| frame.data.len() <= limit));
        assert!(!whole || given.len() == expected.0.len());
    }
}

type Stream = (Vec<Frame>, Option<Duration>);

fn decode(decoder: &mut Decoder, pieces: &[&[u8]]) -> Option<Stream> {
    let mut frames = Vec::new();
    drain(decoder, pieces, &mut frames).then(|| (frames, decoder.retry()))
}

/// Gives what the decoder finds to `frames`; whether it came to the end.
fn drain(decoder: &mut Decoder, pieces: &[&[u8]], frames: &mut Vec<Frame>) -> bool {
    for piece in pieces.iter().map(Some).chain([None]) {
        match piece {
            Some(piece) => decoder.push(Bytes::copy_from_slice(piece)),
            None => decoder.end(),
        }
        loop {
            match decoder.next() {
                Ok(Some(frame)) => frames.push(Frame {
                    event: frame.event().to_vec(),
                    data: frame.data().to_vec(),
                    id: frame.id().to_vec(),
                    terminated: frame.is_terminated(),
                }),
                Ok(None) => break,
                Err(_) => return false,
            }
        }
    }
    true
}

/// The standard's algorithm (WHATWG HTML, 9.2.6) on the whole text in one go, with two differences:
/// the end of the stream stands for the blank line that is missing, and a field `error` in any case
/// with an object, or a line that begins with `{"error"`, is data of the type `error`.
fn reference(stream: &[u8]) -> Stream {
    let mut rest = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let (mut frames, mut retry) = (Vec::new(), None);
    let (mut event, mut data, mut id) = (Vec::new(), None::<Vec<u8>>, Vec::new());
    let mut is_whole = true;
    while is_whole {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        is_whole = end.is_some();
        let line = &rest[..end.unwrap_or(rest.len())];
        rest = match end {
            Some(end) if rest[end..].starts_with(b"\r\n") => &rest[end + 2..],
            Some(end) => &rest[end + 1..],
            None => b"",
        };
        let colon = line.iter().position(|byte| *byte == b':');
        let name = &line[..colon.unwrap_or(line.len())];
        let value = colon.map_or(&b""[..], |colon| &line[colon + 1..]);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let is_bare = line.starts_with(b"{\"error\"");
        let value = if is_bare { line } else { value };
        let is_error = is_bare
            || (name.eq_ignore_ascii_case(b"error") && value.trim_ascii_start().starts_with(b"{"));
        match name {
            b"event" => event = value.to_vec(),
            _ if name == b"data" || is_error => {
                if is_error {
                    event = b"error".to_vec();
                }
                let before = data.take().map(|lines| [&lines[..], b"\n"].concat());
                data = Some([&before.unwrap_or_default()[..], value].concat());
            }
            b"id" if !value.contains(&0) => id = value.to_vec(),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let text = String::from_utf8(value.to_vec()).unwrap();
                retry = text.parse().ok().map(Duration::from_millis);
            }
            _ => {}
        }
        // Whatever the last line is, the stream ends after it.
        if line.is_empty() || !is_whole {
            let event = std::mem::take(&mut event);
            if let Some(data) = data.take() {
                frames.push(Frame {
                    event,
                    data,
                    id: id.clone(),
                    terminated: is_whole,
                });
            }
        }
    }
    (frames, retry)
}
