//! Server-sent events: bytes to frames, as the WHATWG standard describes the stream, section 9.2.6.
//! There is no JSON in it.
//!
//! ```
//! use mesh_proto::sse::Decoder;
//!
//! let mut decoder = Decoder::new();
//! decoder.push("event: no".into());
//! assert!(decoder.next()?.is_none());
//! decoder.push("te\r\ndata: one\r\ndata: two\r\n\r\n: ping\n\ndata: last".into());
//!
//! let frame = decoder.next()?.expect("a whole frame");
//! assert_eq!((frame.event(), frame.data()), (&b"note"[..], &b"one\ntwo"[..]));
//! assert!(decoder.next()?.is_none());
//!
//! decoder.end();
//! assert_eq!(decoder.next()?.expect("a frame without its blank line").data(), b"last");
//! # Ok::<(), mesh_proto::sse::FrameTooLarge>(())
//! ```

use std::fmt;
use std::mem;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

/// A frame may have this many bytes unless [`Decoder::with_limit`] says otherwise: 64 MiB, twice
/// the largest request.
pub const DEFAULT_LIMIT: usize = 64 << 20;

/// Below this size, in bytes, memory is used again for the next frame; from it on it is the frame's
/// own, to be kept without a copy.
const OWN: usize = 16 << 10;

/// Turns the bytes of an event stream into frames, whatever pieces they come in.
///
/// Lines end with LF, CRLF or CR; a BOM at the start, comments and unknown fields are passed over.
/// Every byte is looked at once, and a frame that lies inside one piece is not copied; one that does
/// not is put together in memory that the next one uses again. A frame whose data is empty is dropped, as the standard has it; one that the end of the stream leaves
/// without its blank line is given all the same. A field `error` in any case with an object in it,
/// which old llama.cpp writes in place of an event, is an event of the type `error`, and so is a
/// line that begins with `{"error"`.
pub struct Decoder {
    limit: usize,
    chunk: Bytes,
    at: usize,
    /// The beginning of a line whose end is still to come, or a buffer for the next.
    line: Vec<u8>,
    pending: Fields,
    /// What the frame that was given last borrows from.
    given: Fields,
    last_id: Vec<u8>,
    retry: Option<Duration>,
    position: Position,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Before the first line, where a BOM may stand.
    Start,
    Within,
    /// After a CR at the end of a line: an LF belongs to it.
    AfterCarriageReturn,
}

/// The fields of one frame.
#[derive(Default)]
struct Fields {
    event: Vec<u8>,
    data: Data,
}

#[derive(Default)]
enum Data {
    #[default]
    None,
    /// One line, within the current chunk.
    Borrowed(Range<usize>),
    /// Lines that are ours, after the name of the field that the first of them begins with.
    Owned { lines: Vec<u8>, from: usize },
    /// The same as memory that can be kept.
    Kept { lines: Bytes, from: usize },
}

/// One event of a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'d> {
    event: &'d [u8],
    data: &'d [u8],
    /// What the data is a slice of, where that can be kept.
    memory: Option<&'d Bytes>,
    id: &'d [u8],
    terminated: bool,
}

impl<'d> Frame<'d> {
    /// An event that is one line of the data of another.
    pub(crate) fn of_line(event: &'d [u8], line: &'d Bytes) -> Self {
        Self {
            event,
            data: line,
            memory: Some(line),
            id: &[],
            terminated: true,
        }
    }

    /// The event's type, empty where the stream does not say (which means `message`).
    pub fn event(&self) -> &'d [u8] {
        self.event
    }

    /// The data, its lines joined by LF. The standard would decode it as UTF-8 with replacement;
    /// that is left to the reader, who often has a stricter parser.
    pub fn data(&self) -> &'d [u8] {
        self.data
    }

    /// The data, to be kept. It keeps the memory that it came in; only what is small and came in
    /// several pieces is copied.
    pub fn to_bytes(&self) -> Bytes {
        match self.memory {
            Some(memory) => memory.slice_ref(self.data),
            None => Bytes::copy_from_slice(self.data),
        }
    }

    /// Whether the frame has its blank line. One that the end of the stream leaves without may be
    /// cut off in the middle.
    pub fn is_terminated(&self) -> bool {
        self.terminated
    }

    /// The last event id that the stream has set, empty where it has not.
    pub fn id(&self) -> &'d [u8] {
        self.id
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("event", &crate::excerpt::excerpt(self.event))
            .field("data", &format_args!("{} bytes", self.data.len()))
            .finish()
    }
}

/// A frame that is larger than the decoder's limit. The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLarge {
    /// The limit in bytes.
    pub limit: usize,
}

impl fmt::Display for FrameTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a frame of the stream is larger than {} bytes",
            self.limit
        )
    }
}

impl std::error::Error for FrameTooLarge {}

// What has come may be a picture.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unread = self.chunk.len().saturating_sub(self.at);
        f.debug_struct("Decoder")
            .field("limit", &self.limit)
            .field("unread", &unread)
            .field("pending", &(self.line.len() + self.pending.data.len()))
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream, with frames of up to [`DEFAULT_LIMIT`].
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// A decoder that refuses frames of more than `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            chunk: Bytes::new(),
            at: 0,
            line: Vec::new(),
            pending: Fields::default(),
            given: Fields::default(),
            last_id: Vec::new(),
            retry: None,
            position: Position::Start,
            ended: false,
        }
    }

    /// Takes the next piece of the stream. Call [`Decoder::next`] until it gives nothing before
    /// pushing the next piece: what is still unread is copied otherwise.
    pub fn push(&mut self, chunk: Bytes) {
        if self.ended {
            return;
        }
        if self.has_unread() {
            self.push_behind(&chunk);
            return;
        }
        if let Data::Borrowed(_) = self.pending.data {
            self.keep_data();
        }
        self.chunk = chunk;
        self.at = 0;
    }

    fn has_unread(&self) -> bool {
        self.at < self.chunk.len()
    }

    /// Takes a piece before the one before it is read.
    fn push_behind(&mut self, chunk: &[u8]) {
        let mut rest = self.chunk.get(self.at..).unwrap_or_default().to_vec();
        rest.extend_from_slice(chunk);
        self.keep_data();
        self.chunk = rest.into();
        self.at = 0;
    }

    /// Says that the stream has ended: what is pending becomes the last frame.
    pub fn end(&mut self) {
        // An unfinished line counts as a line, and the end as the blank line after it.
        self.push(Bytes::from_static(b"\n\n"));
        self.ended = true;
    }

    /// The reconnection time that the stream has set last.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The next frame, or `None` where more bytes are needed.
    ///
    /// Errors where a frame, or a line, grows beyond the limit.
    #[allow(
        clippy::should_implement_trait,
        reason = "a frame borrows from the decoder, which no Iterator can"
    )]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        if !self.advance()? {
            return Ok(None);
        }
        let (data, memory) = match &self.given.data {
            Data::None => (None, None),
            Data::Borrowed(range) => (self.chunk.get(range.clone()), Some(&self.chunk)),
            Data::Owned { lines, from } => (lines.get(*from..), None),
            Data::Kept { lines, from } => (lines.get(*from..), Some(lines)),
        };
        Ok(Some(Frame {
            event: &self.given.event,
            data: data.unwrap_or_default(),
            memory,
            id: &self.last_id,
            // The end stands for two line feeds, of which this frame took one.
            terminated: !(self.ended && self.at + 1 >= self.chunk.len()),
        }))
    }

    /// Reads lines up to the end of a frame; whether one is ready in `given`.
    fn advance(&mut self) -> Result<bool, FrameTooLarge> {
        self.forget_given();
        loop {
            if self.position == Position::AfterCarriageReturn {
                match self.chunk.get(self.at) {
                    None => return Ok(false),
                    Some(b'\n') => self.at += 1,
                    Some(_) => {}
                }
                self.position = Position::Within;
            }
            let rest = self.chunk.get(self.at..).unwrap_or_default();
            let Some(length) = end_of_line(rest) else {
                self.keep_line()?;
                return Ok(false);
            };
            let ends_with_cr = rest.get(length) == Some(&b'\r');
            let range = self.at..self.at + length;
            self.at = range.end + 1;
            let first = self.position == Position::Start;
            self.position = if ends_with_cr {
                Position::AfterCarriageReturn
            } else {
                Position::Within
            };
            if self.line(range, first)? {
                return Ok(true);
            }
        }
    }

    /// One whole line, of which `range` of the chunk is the end; whether it ends a frame.
    fn line(&mut self, range: Range<usize>, first: bool) -> Result<bool, FrameTooLarge> {
        if self.line.is_empty() {
            let (line, start) =
                without_bom(self.chunk.get(range.clone()).unwrap_or_default(), first);
            let start = range.start + start;
            if line.is_empty() {
                return Ok(self.dispatch());
            }
            if let Some(value) = data_field(line) {
                let value = start + (line.len() - value.len())..range.end;
                return self.append_in_chunk(value).map(|()| false);
            }
            if let Some(value) = error_field(line) {
                let value = start + (line.len() - value.len())..range.end;
                replace(&mut self.pending.event, ERROR);
                return self.append_in_chunk(value).map(|()| false);
            }
            let line = self.chunk.slice(start..range.end);
            self.field(&line);
            return Ok(false);
        }

        self.check(self.line.len() + range.len())?;
        let mut whole = mem::take(&mut self.line);
        whole.extend_from_slice(self.chunk.get(range).unwrap_or_default());
        let (line, start) = without_bom(&whole, first);
        let mut is_frame = false;
        if let Some(value) = data_field(line) {
            let prefix = start + (line.len() - value.len());
            return self.append_owned(whole, prefix).map(|()| false);
        }
        if let Some(value) = error_field(line) {
            let prefix = start + (line.len() - value.len());
            replace(&mut self.pending.event, ERROR);
            return self.append_owned(whole, prefix).map(|()| false);
        }
        if line.is_empty() {
            is_frame = self.dispatch();
        } else {
            self.field(line);
        }
        self.use_again(whole);
        Ok(is_frame)
    }

    /// Adds a line of data that lies in the chunk.
    fn append_in_chunk(&mut self, value: Range<usize>) -> Result<(), FrameTooLarge> {
        self.check(self.pending.data.len_with(value.len()))?;
        if !matches!(self.pending.data, Data::None) {
            self.keep_data();
            let line = self.chunk.get(value).unwrap_or_default();
            self.pending.data.append_line(line);
            return Ok(());
        }
        self.pending.data = Data::Borrowed(value);
        Ok(())
    }

    /// As the line's buffer is ours already, the first data line becomes the data without a second
    /// buffer of its size.
    fn append_owned(&mut self, line: Vec<u8>, prefix: usize) -> Result<(), FrameTooLarge> {
        self.check(self.pending.data.len_with(line.len()))?;
        self.keep_data();
        if let Data::None = self.pending.data {
            self.pending.data = Data::Owned {
                lines: line,
                from: prefix,
            };
        } else {
            let value = line.get(prefix..).unwrap_or_default();
            self.pending.data.append_line(value);
            self.use_again(line);
        }
        Ok(())
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let value = line.get(colon + 1..).unwrap_or_default();
                (
                    line.get(..colon).unwrap_or_default(),
                    value.strip_prefix(b" ").unwrap_or(value),
                )
            }
            None => (line, &[][..]),
        };
        match name {
            b"event" => replace(&mut self.pending.event, value),
            b"id" if !value.contains(&0) => replace(&mut self.last_id, value),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry = std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .map(Duration::from_millis);
            }
            _ => {}
        }
    }

    /// Ends the frame at a blank line; whether it is one to give.
    fn dispatch(&mut self) -> bool {
        if let Data::None = self.pending.data {
            self.pending.event.clear();
            return false;
        }
        self.given.data = mem::take(&mut self.pending.data);
        self.given.data.keep_large();
        // The frame before left an empty buffer.
        mem::swap(&mut self.given.event, &mut self.pending.event);
        true
    }

    fn forget_given(&mut self) {
        replace(&mut self.given.event, b"");
        if let Data::Owned { lines, .. } = mem::take(&mut self.given.data) {
            self.use_again(lines);
        }
    }

    /// Takes back a buffer for the next line, unless there is one or it is large.
    fn use_again(&mut self, mut buffer: Vec<u8>) {
        if self.line.capacity() == 0 && buffer.capacity() < 2 * OWN {
            buffer.clear();
            self.line = buffer;
        }
    }

    /// Moves the pending frame's data out of the chunk, which is about to go.
    fn keep_data(&mut self) {
        if let Data::Borrowed(range) = &self.pending.data {
            let mut lines = Vec::new();
            if self.line.is_empty() {
                lines = mem::take(&mut self.line);
            }
            lines.extend_from_slice(self.chunk.get(range.clone()).unwrap_or_default());
            self.pending.data = Data::Owned { lines, from: 0 };
        }
    }

    /// Moves the unfinished line at the chunk's end out of it.
    fn keep_line(&mut self) -> Result<(), FrameTooLarge> {
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        self.check(self.line.len() + rest.len() + self.pending.data.len())?;
        self.line.extend_from_slice(rest);
        self.at = self.chunk.len();
        Ok(())
    }

    fn check(&self, size: usize) -> Result<(), FrameTooLarge> {
        if size > self.limit {
            Err(FrameTooLarge { limit: self.limit })
        } else {
            Ok(())
        }
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Borrowed(range) => range.len(),
            Self::Owned { lines, from } => lines.len() - from,
            Self::Kept { lines, from } => lines.len() - from,
        }
    }

    /// The length with one more line, which a line feed joins to those before.
    fn len_with(&self, line: usize) -> usize {
        match self {
            Self::None => line,
            _ => self.len() + 1 + line,
        }
    }

    /// Adds a line to data that is ours.
    fn append_line(&mut self, line: &[u8]) {
        if let Self::Owned { lines, .. } = self {
            lines.push(b'\n');
            lines.extend_from_slice(line);
        }
    }

    /// Makes memory of its own of what is too large to be copied by whoever keeps it.
    fn keep_large(&mut self) {
        if let Self::Owned { lines, from } = self
            && lines.len() >= OWN
        {
            *self = Self::Kept {
                lines: mem::take(lines).into(),
                from: *from,
            };
        }
    }
}

/// Sets a buffer to `value`. One that has become large is let go.
fn replace(buffer: &mut Vec<u8>, value: &[u8]) {
    if buffer.capacity() < 2 * OWN {
        buffer.clear();
        buffer.extend_from_slice(value);
    } else {
        *buffer = value.to_vec();
    }
}

/// How far the next LF or CR is.
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', b'\r', bytes)
}

fn without_bom(line: &[u8], first: bool) -> (&[u8], usize) {
    match line.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) if first => (rest, 3),
        _ => (line, 0),
    }
}

/// The value of a `data` field.
fn data_field(line: &[u8]) -> Option<&[u8]> {
    let value = line.strip_prefix(b"data")?;
    match value.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None if value.is_empty() => Some(value),
        None => None,
    }
}

/// The type of an event that is an error.
pub(crate) const ERROR: &[u8] = b"error";

/// The value of a field `error` that is an object, or such an object without a field's name. Any
/// other is an unknown field.
fn error_field(line: &[u8]) -> Option<&[u8]> {
    if line.starts_with(b"{\"error\"") {
        return Some(line);
    }
    let (name, rest) = line.split_at_checked(ERROR.len())?;
    if !name.eq_ignore_ascii_case(ERROR) {
        return None;
    }
    let value = rest.strip_prefix(b":")?;
    let value = value.strip_prefix(b" ").unwrap_or(value);
    value.trim_ascii_start().starts_with(b"{").then_some(value)
}

#[cfg(test)]
mod tests;
