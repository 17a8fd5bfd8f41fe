//! `POST /v1/images/generations`, answered with a stream ([protocol reference, section 5.2](crate::protocol#52-streamed-generations)).

use bytes::Bytes;
use http::{Method, Request};

use super::image_generation::{PATH, parse_reply};
use super::stream::{Assemble, StreamDecoder};
use super::{Endpoint, Replay, json_request, spliced};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::error::{DecodeError, Found};
use crate::head::Head;
use crate::images::{Assembly, ImageChunk, ImageReply, ImageRequest, SequentialGeneration};
use crate::limits::Limits;
use crate::target::Target;
use crate::wire::{Extra, Streamed};

/// An image request whose reply is streamed: its events are that work goes on, earlier states of
/// the picture where they were asked for, and the picture; its output is the same reply as that of
/// a plain call. It ends with `[DONE]`, or with as many pictures as were asked for, unless the model
/// decides how many there are.
///
/// Holds the request's body, encoded, so it borrows nothing.
#[derive(Clone, Debug)]
pub struct ImageStream {
    body: Body,
    wanted: Option<usize>,
}

impl ImageStream {
    /// Asks for `request` as a stream.
    ///
    /// Errors where a value breaks a rule of the protocol reference.
    pub fn new(request: &ImageRequest) -> Result<Self, BuildError> {
        request.validate()?;
        Ok(Self {
            body: spliced(&Streamed(request))?,
            wanted: wanted(request),
        })
    }
}

/// How many images complete a stream, unless the model decides how many there are.
pub(super) fn wanted(request: &ImageRequest) -> Option<usize> {
    let series = Some(&SequentialGeneration::Auto);
    if request.sequential_image_generation.as_ref() == series {
        return None;
    }
    Some(request.n.and_then(|n| usize::try_from(n).ok()).unwrap_or(1))
}

impl Endpoint for ImageStream {
    type Event = ImageChunk;
    type Output = ImageReply;
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
        Ok(StreamDecoder::new(head, limits, Assembly::of(self.wanted)))
    }
}

impl Assemble for Assembly {
    type Chunk = ImageChunk;
    type Reply = ImageReply;

    fn add(&mut self, chunk: &mut ImageChunk) {
        self.add(chunk);
    }

    fn weight(&self) -> usize {
        self.weight()
    }

    fn is_sufficient(&self) -> bool {
        self.has_every_picture()
    }

    fn is_whole(&self) -> bool {
        self.is_whole()
    }

    fn is_finished(&self) -> bool {
        self.is_finished()
    }

    fn take(&mut self) -> Option<ImageReply> {
        self.take()
    }

    fn extra(chunk: &ImageChunk) -> &Extra {
        &chunk.extra
    }

    fn found(chunk: &ImageChunk) -> Found {
        chunk.found()
    }

    fn check(&self) -> Result<(), DecodeError> {
        Ok(self.require_picture()?)
    }

    fn document(body: &Bytes) -> Result<ImageChunk, DecodeError> {
        parse_reply(body).map(ImageChunk::whole)
    }
}
