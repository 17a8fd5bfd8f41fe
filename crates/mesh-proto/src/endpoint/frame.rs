//! What a frame of a stream is apart from a chunk: a mark of the end, a sign of life, or several
//! events in one.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_core::de::IgnoredAny;

use crate::sse::Frame;
use crate::wire::{BYTE_ORDER_MARK, from_text, legible, without_mark};

/// Whether the data is the mark that ends a stream: `[DONE]`, or what gateways write in its place.
pub(super) fn is_end_mark(data: &[u8]) -> bool {
    matches!(data, b"[DONE]" | b"DONE" | b"\"[DONE]\"")
}

/// Whether a frame says no more than that the connection is alive: by its type, or by its data.
pub(super) fn is_sign_of_life(event: &[u8], data: &[u8]) -> bool {
    is_word_of_life(event) || is_word_of_life(data)
}

fn is_word_of_life(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] = [b"ping", b"heartbeat", b"keepalive", b"keep-alive"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The events of a frame whose data is several documents, one a line. A gateway that forgets the
/// blank line between two events makes one frame of them.
pub(super) struct Lines {
    event: Vec<u8>,
    lines: VecDeque<Bytes>,
}

impl Lines {
    /// None.
    pub(super) const fn none() -> Self {
        Self {
            event: Vec::new(),
            lines: VecDeque::new(),
        }
    }

    /// The lines of a frame, or `None` if one of them is not a document, a mark or a sign of life.
    pub(super) fn of(frame: Frame<'_>) -> Option<Self> {
        let whole = frame.to_bytes();
        let lines = whole.split(|byte| *byte == b'\n');
        let lines = lines.map(<[u8]>::trim_ascii).filter(|it| !it.is_empty());
        let lines: VecDeque<Bytes> = lines.map(|line| whole.slice_ref(line)).collect();
        let is_several = lines.len() > 1 && lines.iter().all(|line| is_whole(line));
        is_several.then(|| Self {
            event: frame.event().to_vec(),
            lines,
        })
    }

    /// The next line. Its event type is that of the frame.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        self.lines.pop_front()
    }

    pub(super) fn event(&self) -> &[u8] {
        &self.event
    }
}

fn is_whole(line: &[u8]) -> bool {
    is_end_mark(line) || is_word_of_life(line) || from_text::<IgnoredAny>(&legible(line)).is_ok()
}

/// What a body begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// As an event stream: with a comment, or a field of one.
    Events,
    /// As something else.
    Other,
    /// As either, as far as it has been received.
    Open,
}

/// How much white space may come before an event stream. More is not held back.
const MOST_BLANK: usize = 64;

/// What a body begins as. White space and a byte order mark may come before it.
pub(super) fn beginning(body: &[u8]) -> Beginning {
    const FIELDS: [&[u8]; 6] = [b":", b"data:", b"event:", b"id:", b"retry:", b"error:"];
    let mark = body.trim_ascii_start();
    if BYTE_ORDER_MARK.starts_with(mark) && body.len() <= MOST_BLANK {
        return Beginning::Open;
    }
    let text = without_mark(body).trim_ascii_start();
    if body.len() - text.len() > MOST_BLANK {
        return Beginning::Other;
    }
    let Some(field) = FIELDS.iter().find(|field| text.starts_with(field)) else {
        return if FIELDS.iter().any(|field| field.starts_with(text)) {
            Beginning::Open
        } else {
            Beginning::Other
        };
    };
    if *field != b"error:" {
        return Beginning::Events;
    }
    // A plain text may begin so, too.
    let value = text.get(field.len()..).unwrap_or_default();
    let object = value.trim_ascii_start();
    match object.first() {
        _ if value.len() - object.len() > MOST_BLANK => Beginning::Other,
        None => Beginning::Open,
        Some(b'{') => Beginning::Events,
        Some(_) => Beginning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_stream_is_known_by_its_first_bytes() {
        for (body, expected) in [
            (": ping", Beginning::Events),
            ("\u{feff}\n data: {}", Beginning::Events),
            ("event:x", Beginning::Events),
            ("id: 1", Beginning::Events),
            ("retry:1", Beginning::Events),
            ("error: {", Beginning::Events),
            ("", Beginning::Open),
            (" \n", Beginning::Open),
            ("\u{feff}", Beginning::Open),
            ("d", Beginning::Open),
            ("retry", Beginning::Open),
            ("error: ", Beginning::Open),
            ("error: upstream", Beginning::Other),
            ("{}", Beginning::Other),
            ("<html>", Beginning::Other),
            ("database", Beginning::Other),
            ("identity", Beginning::Other),
        ] {
            assert_eq!(beginning(body.as_bytes()), expected, "{body:?}");
        }
        assert_eq!(beginning(&[b' '; 64]), Beginning::Open);
        assert_eq!(beginning(&[b' '; 65]), Beginning::Other);
        assert_eq!(beginning(b"\xef\xbb"), Beginning::Open);
        assert_eq!(beginning(b"\xef\xbc"), Beginning::Other);
    }
}
