//! `POST /v1/chat/completions`, answered with a stream ([protocol reference, section 4.3](crate::protocol#43-streams)).

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};

use super::chat::{PATH, parse_reply};
use super::document::check_weight;
use super::stream::{Assemble, StreamDecoder};
use super::{Endpoint, Replay, json_request, spliced};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::chat::{Assembly, ChatChunk, ChatReply, ChatRequest};
use crate::error::{DecodeError, End, Found};
use crate::head::Head;
use crate::limits::Limits;
use crate::target::Target;
use crate::wire::{Extra, Streamed, weight};

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
        request.validate()?;
        Ok(Self {
            body: spliced(&Streamed(request))?,
            upstream_timeout: request.upstream_timeout(),
        })
    }
}

impl Endpoint for ChatStream {
    type Event = ChatChunk;
    type Output = ChatReply;
    type Decoder = StreamDecoder<Assembly>;

    fn replay(&self) -> Replay {
        Replay::Unprocessed
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        json_request(
            target,
            Method::POST,
            PATH,
            "text/event-stream",
            self.body.clone(),
        )
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        Ok(StreamDecoder::new(head, limits, Assembly::default()))
    }

    fn upstream_timeout(&self) -> Option<Duration> {
        self.upstream_timeout
    }
}

impl Assemble for Assembly {
    type Chunk = ChatChunk;
    type Reply = ChatReply;

    fn read(frame: &str) -> Result<ChatChunk, serde_json::Error> {
        Self::read(frame)
    }

    fn check_frame(frame: &[u8]) -> Result<(), DecodeError> {
        check_weight(frame, weight::CHAT)
    }

    fn add(&mut self, chunk: &mut ChatChunk) {
        self.add(chunk);
    }

    fn weight(&self) -> usize {
        self.weight()
    }

    fn is_whole(&self) -> bool {
        false
    }

    fn is_finished(&self) -> bool {
        self.is_finished()
    }

    fn take(&mut self) -> Option<ChatReply> {
        self.take()
    }

    fn extra(chunk: &ChatChunk) -> &Extra {
        &chunk.extra
    }

    fn found(chunk: &ChatChunk) -> Found {
        chunk.found()
    }

    fn ends(chunk: &ChatChunk) -> impl Iterator<Item = End<'_>> {
        chunk.ends()
    }

    fn check(&self) -> Result<(), DecodeError> {
        self.failure().map_or(Ok(()), |error| Err(error.into()))
    }

    fn document(body: &Bytes) -> Result<ChatChunk, DecodeError> {
        parse_reply(body).map(|reply| ChatChunk::whole(&reply))
    }
}
