//! `POST /v1/chat/completions`, answered with a stream (protocol reference, section 4.3).

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;

use super::chat::{body, parse_reply, post};
use super::document::Collected;
use super::{Decode, Decoded, Endpoint, Replay, in_band_error};
use crate::body::Body;
use crate::call::Limits;
use crate::chat::{Assembly, ChatChunk, ChatReply, ChatRequest, Streamed};
use crate::error::{ApiError, BuildError, DecodeError, excerpt};
use crate::head::Head;
use crate::sse;
use crate::target::Target;

/// A chat request whose reply is streamed: its events are the chunks, its output is the whole
/// reply, the same as that of a plain call.
///
/// Holds the request's body, encoded, so it borrows nothing.
#[derive(Clone, Debug)]
pub struct ChatStream {
    body: Body,
    upstream_timeout: Option<Duration>,
}

impl ChatStream {
    /// Asks for `request` as a stream.
    ///
    /// Errors where a value breaks a rule of the protocol reference.
    pub fn new(request: &ChatRequest) -> Result<Self, BuildError> {
        request.check()?;
        Ok(Self {
            body: body(&Streamed(request))?,
            upstream_timeout: request.upstream_timeout(),
        })
    }
}

impl Endpoint for ChatStream {
    type Event = ChatChunk;
    type Output = ChatReply;
    type Decoder = ChatStreamDecoder;

    fn replay(&self) -> Replay {
        Replay::Unprocessed
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        post(target, "text/event-stream", self.body.clone())
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<ChatStreamDecoder, DecodeError> {
        Ok(ChatStreamDecoder {
            form: Form::Unknown(Collected::new(head, limits)),
            frames: sse::Decoder::with_limit(limits.frame),
            assembly: Assembly::default(),
            opening: None,
            has_frames: false,
            ended: false,
            complete: false,
        })
    }

    fn upstream_timeout(&self) -> Option<Duration> {
        self.upstream_timeout
    }
}

/// Reads a chat stream, and assembles the whole reply.
#[derive(Debug)]
pub struct ChatStreamDecoder {
    form: Form,
    frames: sse::Decoder,
    assembly: Assembly,
    /// The beginning of a body in which no frame has been found yet.
    opening: Option<String>,
    has_frames: bool,
    ended: bool,
    complete: bool,
}

/// What a body turns out to be: gateways have been seen to answer a stream with a document, an
/// error or HTML, whatever their content type says.
#[derive(Debug)]
enum Form {
    /// Nothing but white space has come.
    Unknown(Collected),
    Events,
    Document(Collected),
    /// A document that has been read.
    Read,
}

/// Whether a body begins like an event stream: with a comment, or a field of the standard.
fn is_event_stream(opening: &str) -> bool {
    let opening = opening.trim_start_matches('\u{feff}').trim_start();
    [":", "data", "event", "id", "retry"]
        .iter()
        .any(|field| opening.starts_with(field))
}

/// What a frame is.
enum Meaning {
    Chunk(Box<ChatChunk>),
    Error(Box<ChatChunk>, ApiError),
    Done,
    Nothing,
}

impl Decode for ChatStreamDecoder {
    type Event = ChatChunk;
    type Output = ChatReply;

    fn push(&mut self, chunk: Bytes) -> Result<(), DecodeError> {
        if let Form::Unknown(_) = self.form {
            let Some(first) = chunk.trim_ascii_start().first() else {
                return Ok(());
            };
            let document = matches!(first, b'{' | b'[' | b'<');
            self.form = match std::mem::replace(&mut self.form, Form::Events) {
                Form::Unknown(body) if document => Form::Document(body),
                _ => Form::Events,
            };
        }
        if !self.has_frames && self.opening.is_none() {
            self.opening = Some(excerpt(&chunk));
        }
        match &mut self.form {
            Form::Document(body) => body.push(chunk)?,
            _ => self.frames.push(chunk),
        }
        Ok(())
    }

    fn end(&mut self) {
        self.ended = true;
        self.frames.end();
    }

    fn next(&mut self) -> Result<Decoded<ChatChunk>, DecodeError> {
        if let Form::Document(body) = &mut self.form {
            if !self.ended {
                return Ok(Decoded::Starved);
            }
            let body = body.take();
            self.form = Form::Read;
            let chunk = ChatChunk::whole(&parse_reply(&body)?);
            self.complete = true;
            self.assembly.add(chunk.clone());
            return Ok(Decoded::Event(chunk));
        }
        while !self.complete {
            let frame = match self.frames.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(Decoded::Starved),
                Err(sse::FrameTooLarge { limit }) => {
                    return Err(DecodeError::TooLarge {
                        what: "frame",
                        limit,
                    });
                }
            };
            self.opening = None;
            self.has_frames = true;
            match read(frame)? {
                // What stands beside an error may have been paid for.
                Meaning::Error(chunk, error) => {
                    self.assembly.add(*chunk);
                    return Err(error.into());
                }
                Meaning::Chunk(chunk) => {
                    self.assembly.add((*chunk).clone());
                    return Ok(Decoded::Event(*chunk));
                }
                Meaning::Done => self.complete = true,
                Meaning::Nothing => {}
            }
        }
        Ok(Decoded::Complete)
    }

    fn finish(&mut self) -> Result<ChatReply, DecodeError> {
        if !self.complete {
            return Err(match (&self.form, self.opening.take()) {
                (Form::Unknown(_), _) => DecodeError::NotJson {
                    what: "an empty body",
                    excerpt: String::new(),
                },
                (Form::Events, Some(excerpt)) if !is_event_stream(&excerpt) => {
                    DecodeError::NotJson {
                        what: "text",
                        excerpt,
                    }
                }
                _ => DecodeError::Truncated,
            });
        }
        Ok(self.assembly.take().unwrap_or_default())
    }

    fn partial(&mut self) -> Option<ChatReply> {
        self.assembly.take()
    }
}

fn read(frame: sse::Frame<'_>) -> Result<Meaning, DecodeError> {
    let data = frame.data().trim_ascii();
    if data == b"[DONE]" {
        return Ok(Meaning::Done);
    }
    if data.is_empty() {
        return Ok(Meaning::Nothing);
    }
    let chunk: ChatChunk = match serde_json::from_slice(data) {
        Ok(chunk) => chunk,
        // A frame that the end of the stream cut off in the middle.
        Err(_) if !frame.is_terminated() => return Err(DecodeError::Truncated),
        Err(error) => return Err(DecodeError::json(&error, data)),
    };
    let error = in_band_error(&chunk.extra).or_else(|| {
        (frame.event() == b"error")
            .then(|| ApiError::from_envelope(StatusCode::OK, &chunk.extra))?
    });
    if let Some(error) = error {
        return Ok(Meaning::Error(Box::new(chunk), error));
    }
    let kind = chunk.extra.get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| kind.starts_with("response.")) {
        return Ok(Meaning::Nothing);
    }
    Ok(Meaning::Chunk(Box::new(chunk)))
}
