//! A reply that is a stream of events, put together as it comes.

use std::fmt;

use bytes::{Buf as _, Bytes};
use serde_core::de::DeserializeOwned;
use serde_json::Value;

use super::document::{Collected, check_weight, object};
use super::frame::{Lines, is_end_mark, is_sign_of_life};
use super::{Decode, Decoded};
use crate::error::{ApiError, DecodeError, End, Found, Success, error_in_body};
use crate::excerpt::{EXCERPT_WINDOW, excerpt};
use crate::head::{Head, ReplyEnd};
use crate::limits::Limits;
use crate::sse;
use crate::wire::weight;
use crate::wire::{BYTE_ORDER_MARK, Extra, from_body, legible, mended, without_mark};

/// Puts a reply together from the chunks of a stream: what a [`StreamDecoder`] needs to know of an
/// endpoint.
pub trait Assemble {
    /// One event of the stream.
    type Chunk: DeserializeOwned;
    /// The whole reply.
    type Reply: Default;

    /// Reads a chunk of the stream.
    ///
    /// Errors where it is none.
    fn read(frame: &str) -> Result<Self::Chunk, serde_json::Error> {
        serde_json::from_str(frame)
    }

    /// Fails if a chunk takes far more memory than its length once it is read.
    fn check_frame(frame: &[u8]) -> Result<(), DecodeError> {
        check_weight(frame, weight::REPLY)
    }

    /// Adds a chunk, and removes from it what repeats an earlier one.
    fn add(&mut self, chunk: &mut Self::Chunk);

    /// How much of the heap the reply takes so far, in bytes, which `limits.reply` bounds.
    fn weight(&self) -> usize;

    /// Whether the reply is whole though no end mark has come.
    fn is_whole(&self) -> bool;

    /// Whether the reply is whole even if nothing more arrives, though one more event of it, such as
    /// its usage, may be to come.
    fn is_sufficient(&self) -> bool {
        self.is_whole()
    }

    /// Whether nothing of the reply is missing but the end mark: if the body then ends as it should,
    /// the reply is complete. No, by default.
    fn is_finished(&self) -> bool {
        false
    }

    /// What there is so far, or `None` before the first chunk. Leaves nothing.
    fn take(&mut self) -> Option<Self::Reply>;

    /// The fields of a chunk that are not modelled; an error is among them.
    fn extra(chunk: &Self::Chunk) -> &Extra;

    /// How much of a reply a chunk contains, which decides what in it is an error: part of one, by
    /// default.
    fn found(_chunk: &Self::Chunk) -> Found {
        Found::Part
    }

    /// The parts of an answer in a chunk that an error may end by itself, such as choices. None, by
    /// default.
    fn ends(_chunk: &Self::Chunk) -> impl Iterator<Item = End<'_>> {
        std::iter::empty()
    }

    /// Whether a reply that has come to its end is what was asked for. It is, by default.
    ///
    /// Errors where it is not, such as an image reply without a picture, or one that an error ended;
    /// what there is stays to be taken.
    fn check(&self) -> Result<(), DecodeError> {
        Ok(())
    }

    /// A reply that came whole, as one chunk.
    ///
    /// Errors where the body is no reply, or an error.
    fn document(body: &Bytes) -> Result<Self::Chunk, DecodeError>;
}

/// Reads a stream of events, and puts the whole reply together: chunks of JSON, `[DONE]` at the end
/// ([protocol reference, section 4.3](crate::protocol#43-streams) and [section 5.2](crate::protocol#52-streamed-generations)).
pub struct StreamDecoder<A> {
    form: Form,
    mark: Mark,
    frames: sse::Decoder,
    /// Events of the last frame that are still to be read.
    lines: Lines,
    assembly: A,
    /// How much of the heap the reply may take, in bytes.
    limit: usize,
    /// The beginning of a body in which no frame has been found yet, as much as an excerpt shows.
    opening: Vec<u8>,
    has_frames: bool,
    ended: bool,
    complete: bool,
    end: ReplyEnd,
}

impl<A: Assemble> StreamDecoder<A> {
    /// A decoder for the body that follows `head`, with frames of at most `limits.frame` bytes
    /// and a reply of at most `limits.reply`.
    pub fn new(head: &Head, limits: &Limits, assembly: A) -> Self {
        Self {
            form: Form::Unknown(Collected::new(head, limits)),
            mark: Mark(0),
            frames: sse::Decoder::with_limit(limits.frame),
            lines: Lines::none(),
            assembly,
            limit: limits.reply,
            opening: Vec::new(),
            has_frames: false,
            ended: false,
            complete: false,
            end: ReplyEnd::Regular,
        }
    }

    /// Reads the next frame, or the next line of one that is several.
    fn read(&mut self) -> Result<Meaning<A::Chunk>, DecodeError> {
        if let Some(line) = self.lines.next() {
            let frame = sse::Frame::of_line(self.lines.event(), &line);
            return read::<A>(frame);
        }
        let frame = match self.frames.next() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(Meaning::Starved),
            Err(sse::FrameTooLarge { limit }) => {
                return Err(DecodeError::TooLarge {
                    what: "frame",
                    limit,
                });
            }
        };
        self.opening = Vec::new();
        self.has_frames = true;
        read::<A>(frame)
    }

    /// Takes what comes before the first frame.
    fn open(&mut self, mut chunk: Bytes) -> Result<(), DecodeError> {
        // White space and a byte order mark may stand before anything.
        if matches!(self.form, Form::Unknown(_))
            && let Some(at) = chunk.iter().position(|byte| !self.mark.takes(*byte))
        {
            let is_document = matches!(chunk.get(at), Some(b'{' | b'[' | b'<'));
            self.form = match std::mem::replace(&mut self.form, Form::Events) {
                Form::Unknown(body) if is_document => {
                    chunk.advance(at);
                    Form::Document(body)
                }
                _ => Form::Events,
            };
        }
        let more = if self.opening.is_empty() {
            chunk.trim_ascii_start()
        } else {
            &chunk
        };
        let room = OPENING.saturating_sub(self.opening.len());
        let more = more.get(..more.len().min(room)).unwrap_or_default();
        self.opening.extend_from_slice(more);
        match &mut self.form {
            Form::Document(body) => body.push(chunk)?,
            _ => self.frames.push(chunk),
        }
        Ok(())
    }
}

impl<A> fmt::Debug for StreamDecoder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamDecoder")
            .field("form", &self.form)
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}

/// How much of a body is kept until its first frame: more than an excerpt looks at.
const OPENING: usize = EXCERPT_WINDOW + 1;

/// How much of a byte order mark has come, of what may stand before a body.
struct Mark(usize);

impl Mark {
    /// Whether `byte` may stand before a body that follows.
    fn takes(&mut self, byte: u8) -> bool {
        if BYTE_ORDER_MARK.get(self.0) == Some(&byte) {
            self.0 += 1;
            return true;
        }
        let is_within = (1..BYTE_ORDER_MARK.len()).contains(&self.0);
        !is_within && byte.is_ascii_whitespace()
    }
}

/// What a body turns out to be: gateways have been seen to answer a stream with a document, an
/// error or HTML, whatever their content type says.
#[derive(Debug)]
enum Form {
    /// Nothing but white space and a byte order mark has come.
    Unknown(Collected),
    Events,
    Document(Collected),
    /// A document that has been read.
    Read,
}

/// Whether a body begins like an event stream: with a comment, or a field of the standard.
fn is_event_stream(opening: &[u8]) -> bool {
    [":", "data", "event", "id", "retry", "error"]
        .iter()
        .any(|field| opening.starts_with(field.as_bytes()))
}

/// What a frame is.
enum Meaning<C> {
    Chunk(C),
    Error(C, Box<ApiError>),
    Done,
    /// Several events, each on a line of its own.
    Several(Lines),
    Nothing,
    /// There is no frame until more has come.
    Starved,
}

impl<A: Assemble> Decode for StreamDecoder<A> {
    type Event = A::Chunk;
    type Output = A::Reply;

    fn push(&mut self, chunk: Bytes) -> Result<(), DecodeError> {
        if self.has_frames {
            self.frames.push(chunk);
            return Ok(());
        }
        self.open(chunk)
    }

    fn end(&mut self) {
        self.ended = true;
        self.frames.end();
    }

    fn next(&mut self) -> Result<Decoded<A::Chunk>, DecodeError> {
        if let Form::Document(body) = &mut self.form {
            if !self.ended {
                return Ok(Decoded::Starved);
            }
            let body = body.take();
            self.form = Form::Read;
            let mut chunk = A::document(&body)?;
            self.complete = true;
            self.assembly.add(&mut chunk);
            return Ok(Decoded::Event(chunk));
        }
        while !self.complete {
            let meaning = match self.read() {
                // What is wrong behind a whole reply does not undo it.
                Err(_) | Ok(Meaning::Error(..)) if self.assembly.is_sufficient() => Meaning::Done,
                meaning => meaning?,
            };
            match meaning {
                // What stands beside an error may have been paid for.
                Meaning::Error(mut chunk, error) => {
                    self.assembly.add(&mut chunk);
                    return Err(DecodeError::Api(error));
                }
                Meaning::Chunk(mut chunk) => {
                    self.assembly.add(&mut chunk);
                    if self.assembly.weight() > self.limit {
                        return Err(DecodeError::TooLarge {
                            what: "reply",
                            limit: self.limit,
                        });
                    }
                    self.complete = self.assembly.is_whole();
                    return Ok(Decoded::Event(chunk));
                }
                Meaning::Done => self.complete = true,
                Meaning::Several(lines) => self.lines = lines,
                Meaning::Nothing => {}
                Meaning::Starved => return Ok(Decoded::Starved),
            }
        }
        Ok(Decoded::Complete)
    }

    fn is_sufficient(&self) -> bool {
        self.complete || self.assembly.is_sufficient()
    }

    fn finish(&mut self) -> Result<A::Reply, DecodeError> {
        // A body that broke off never gets here: its transport reports a fault.
        if !self.complete && self.ended && self.assembly.is_finished() {
            self.complete = true;
            self.end = ReplyEnd::WithoutMark;
        }
        if !self.is_sufficient() {
            let opening = without_mark(&self.opening).trim_ascii_start();
            return Err(match &self.form {
                Form::Unknown(_) if opening.is_empty() => DecodeError::NotJson {
                    what: "an empty body",
                    excerpt: String::new(),
                },
                Form::Events | Form::Unknown(_)
                    if !self.has_frames && !is_event_stream(opening) =>
                {
                    DecodeError::NotJson {
                        what: "text",
                        excerpt: excerpt(&self.opening),
                    }
                }
                _ => DecodeError::Truncated,
            });
        }
        self.assembly.check()?;
        Ok(self.assembly.take().unwrap_or_default())
    }

    fn reply_end(&self) -> ReplyEnd {
        self.end
    }

    fn partial(&mut self) -> Option<A::Reply> {
        self.assembly.take()
    }
}

/// From this size on, in bytes, a frame is expected to have a picture in it.
const LARGE: usize = 16 << 10;

fn read<A: Assemble>(frame: sse::Frame<'_>) -> Result<Meaning<A::Chunk>, DecodeError> {
    let data = frame.data().trim_ascii();
    if is_end_mark(data) {
        return Ok(Meaning::Done);
    }
    if data.is_empty() || is_sign_of_life(frame.event(), data) {
        return Ok(Meaning::Nothing);
    }
    // The pictures of a large frame are slices of it; of a small one nothing is worth keeping it.
    let parsed = if data.len() >= LARGE {
        A::check_frame(data)?;
        from_body(&frame.to_bytes())
    } else {
        let text = legible(data);
        A::read(&text).or_else(|error| match mended(&text) {
            Some(text) => A::read(&text),
            None => Err(error),
        })
    };
    let chunk: A::Chunk = match parsed {
        Ok(chunk) => chunk,
        Err(error) => {
            let told = error_in_body(data);
            if told.is_none()
                && let Some(lines) = Lines::of(frame)
            {
                return Ok(Meaning::Several(lines));
            }
            return Err(match told {
                Some(error) => error.into(),
                // A frame that the end of the stream cut off in the middle.
                None if !frame.is_terminated() => DecodeError::Truncated,
                None => DecodeError::json(&error, data),
            });
        }
    };
    if let Some(error) = error_in_chunk::<A>(&chunk, frame, data) {
        return Ok(Meaning::Error(chunk, Box::new(error)));
    }
    let kind = A::extra(&chunk).get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| kind.starts_with("response.")) {
        return Ok(Meaning::Nothing);
    }
    Ok(Meaning::Chunk(chunk))
}

/// The error that a chunk is, if it is one.
fn error_in_chunk<A: Assemble>(
    chunk: &A::Chunk,
    frame: sse::Frame<'_>,
    data: &[u8],
) -> Option<ApiError> {
    let found = A::found(chunk);
    // Without anything of a reply in it, every field is one of the error.
    let whole = if found == Found::Blank {
        object(data)
    } else {
        None
    };
    let fields = whole.as_ref().unwrap_or(A::extra(chunk));
    let success = Success::of(fields, found).with_ends(A::ends(chunk));
    if frame.event().eq_ignore_ascii_case(sse::ERROR) {
        success.named_error(data).error()
    } else {
        success.error()
    }
}
