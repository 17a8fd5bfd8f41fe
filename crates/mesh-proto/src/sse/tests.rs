//! The stream of the standard, in every cut.

use proptest::prelude::*;

use super::*;

type Owned = (Vec<u8>, Vec<u8>, Vec<u8>);

fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Owned> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    let drain = |decoder: &mut Decoder, frames: &mut Vec<Owned>| {
        while let Some(frame) = decoder.next().unwrap() {
            frames.push((
                frame.event().to_vec(),
                frame.data().to_vec(),
                frame.id().to_vec(),
            ));
        }
    };
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        drain(&mut decoder, &mut frames);
    }
    decoder.end();
    drain(&mut decoder, &mut frames);
    frames
}

/// The standard's algorithm, said as plainly as it can be: on the whole text, in one go.
fn reference(stream: &[u8]) -> Vec<Owned> {
    let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    let mut bytes = stream.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&&b'\n');
                lines.push(Vec::new());
            }
            b'\n' => lines.push(Vec::new()),
            other => lines.last_mut().unwrap().push(*other),
        }
    }
    // The end of the stream stands for the blank line that may be missing.
    lines.push(Vec::new());
    let (mut event, mut data, mut id, mut frames) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut has_data = false;
    for line in lines {
        if line.is_empty() {
            if has_data {
                frames.push((
                    std::mem::take(&mut event),
                    std::mem::take(&mut data),
                    id.clone(),
                ));
            }
            event.clear();
            data.clear();
            has_data = false;
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&line[..], &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let is_bare = line.starts_with(b"{\"error\"");
        let value = if is_bare { &line[..] } else { value };
        let is_error = is_bare
            || (name.eq_ignore_ascii_case(b"error") && value.trim_ascii_start().starts_with(b"{"));
        match name {
            _ if name == b"data" || is_error => {
                if is_error {
                    event = b"error".to_vec();
                }
                if has_data {
                    data.push(b'\n');
                }
                has_data = true;
                data.extend_from_slice(value);
            }
            b"event" => event = value.to_vec(),
            b"id" if !value.contains(&0) => id = value.to_vec(),
            _ => {}
        }
    }
    frames
}

const CORPUS: &[&str] = &[
    "data: one\n\ndata: two\n\n",
    "data:one\r\n\r\ndata:  two\r\rdata: three\n\n",
    "\u{feff}data: after a BOM\n\n\u{feff}data: not a field\n\n",
    ": ping\n\n:\n\nevent: a\ndata: 1\ndata: 2\ndata\ndata:\n\nevent: lost\n\ndata: 3\n\n",
    "id: 7\ndata: x\n\ndata: y\nid: a\0b\n\nid\ndata: z\n\nretry: 250\nretry: x\n\n",
    "data: gr\u{fc}\u{df}e \u{1f98a} \u{2028}\u{85} nel\r\ndata: next\r\n\r\n",
    "data: unfinished",
    "data: unfinished\r",
    "data: unfinished\r\n",
    "data: [DONE]\n",
    "data\n\ndata:\n\n\n\ndata: x\n\n",
    "database: no\ndat: no\n data: no\ndata: yes\n\n",
    "\u{feff}",
    "",
    "\r\n\r\ndata: x\r\r\n\n",
    "\u{feff}\n\ndata: x",
];

#[test]
fn every_pair_of_cuts_gives_the_same_frames() {
    for stream in CORPUS {
        let stream = stream.as_bytes();
        let whole = reference(stream);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let cuts = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(
                    decode(cuts),
                    whole,
                    "{:?} cut at {first} and {second}",
                    String::from_utf8_lossy(stream)
                );
            }
        }
        assert_eq!(decode(stream.chunks(1)), whole);
    }
}

#[test]
fn pieces_that_were_not_asked_for_are_not_lost() {
    let mut decoder = Decoder::new();
    for piece in ["data: o", "ne\n\nda", "ta: two\n", "\ndata: three"] {
        decoder.push(Bytes::from_static(piece.as_bytes()));
    }
    decoder.end();
    for data in ["one", "two", "three"] {
        assert_eq!(decoder.next().unwrap().unwrap().data(), data.as_bytes());
    }
    assert_eq!(decoder.next().unwrap(), None);
}

#[test]
fn a_frame_beyond_the_limit_is_an_error_and_not_memory() {
    for stream in [
        "data: 0123456789abcdef\n\n",
        "data: 01234567\ndata: 89abcdef\n\n",
        "data: 0123456\ndata: 789abcd\n\n",
        ": 0123456789abcdef0123",
    ] {
        for size in [1, 3, 100] {
            let mut decoder = Decoder::with_limit(14);
            let mut failed = false;
            for chunk in stream.as_bytes().chunks(size) {
                decoder.push(Bytes::copy_from_slice(chunk));
                failed |= decoder.next() == Err(FrameTooLarge { limit: 14 });
            }
            assert!(failed, "{stream:?} in pieces of {size}");
        }
    }
}

#[test]
fn a_frame_says_whether_it_has_its_blank_line() {
    for (stream, terminated) in [
        ("data: x\n\n", true),
        ("data: x\r\n\r\n", true),
        ("data: x\r\r", true),
        ("data: x\n\ndata", true),
        ("data: x\n", false),
        ("data: x\r\n", false),
        ("data: x\r", false),
        ("data: x", false),
    ] {
        for size in [1, 100] {
            let mut decoder = Decoder::new();
            for chunk in stream.as_bytes().chunks(size) {
                decoder.push(Bytes::copy_from_slice(chunk));
            }
            decoder.end();
            assert_eq!(
                decoder.next().unwrap().unwrap().is_terminated(),
                terminated,
                "{stream:?}"
            );
        }
    }
}

#[test]
fn retry_is_milliseconds() {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::from_static(b"retry: 250\nretry: soon\n\n"));
    assert_eq!(decoder.next().unwrap(), None);
    assert_eq!(decoder.retry(), Some(Duration::from_millis(250)));
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["data", "data:", "data: ", "event: ", "id:", ":", "\u{feff}", "x", " "])
            .prop_map(|text| text.as_bytes().to_vec()),
        4 => prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n"]).prop_map(|text| text.as_bytes().to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..6),
        1 => "\\PC{0,4}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_stream_in_any_pieces_is_what_the_standard_says(
        stream in stream(),
        sizes in proptest::collection::vec(0_usize..9, 0..40),
    ) {
        let mut rest = &stream[..];
        let mut chunks = Vec::new();
        for size in sizes {
            let (chunk, next) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk);
            rest = next;
        }
        chunks.push(rest);
        prop_assert_eq!(decode(chunks), reference(&stream));
    }
}
