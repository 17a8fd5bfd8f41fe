//! `POST /v1/images/generations`, answered with one document ([protocol reference, section 5.1](crate::protocol#51-image-generations)).

use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;

use super::document::{DocumentDecoder, object, parse};
use super::image_stream::wanted;
use super::reply::ReplyDecoder;
use super::stream::StreamDecoder;
use super::{Endpoint, Replay, json_request, spliced};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::chat::{IMAGES, pictures_in};
use crate::error::{DecodeError, Found, Success};
use crate::excerpt::excerpt;
use crate::head::Head;
use crate::images::{Assembly, ImageReply, ImageRequest};
use crate::limits::Limits;
use crate::target::Target;

pub(super) const PATH: &str = "/v1/images/generations";

impl Endpoint for ImageRequest {
    type Event = std::convert::Infallible;
    type Output = ImageReply;
    type Decoder = ReplyDecoder<Assembly>;

    fn replay(&self) -> Replay {
        Replay::Unprocessed
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        self.validate()?;
        json_request(
            target,
            Method::POST,
            PATH,
            "application/json",
            spliced(self)?,
        )
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        let document = DocumentDecoder::new(head, limits, (), |body, ()| read_reply(&body));
        let assembly = Assembly::of(wanted(self));
        let events = StreamDecoder::new(head, limits, assembly);
        Ok(ReplyDecoder::new(document, events))
    }
}

/// A body as an image reply that has a picture in it.
pub(super) fn read_reply(body: &Bytes) -> Result<ImageReply, DecodeError> {
    let reply = parse_reply(body)?;
    reply.require_picture()?;
    Ok(reply)
}

/// A body as an image reply. As every field may be missing, what holds no picture is looked at once
/// more: it may be an error in any envelope, or no image reply at all.
pub(super) fn parse_reply(body: &Bytes) -> Result<ImageReply, DecodeError> {
    let mut reply: ImageReply = parse(body)?;
    if reply.data.is_empty() {
        reply.data = pictures_in(&reply.extra, &[IMAGES]);
        if !reply.data.is_empty() {
            reply.extra.remove(IMAGES);
        }
    }
    if !reply.data.is_empty() {
        return Ok(reply);
    }
    let document = object(body).unwrap_or_default();
    let found = match document.get("data") {
        None => Found::Nothing,
        Some(Value::Null) => Found::Blank,
        Some(_) => Found::Part,
    };
    match Success::of(&document, found).error() {
        Some(error) => Err(error.into()),
        None if found == Found::Nothing => Err(DecodeError::Json {
            reason: "no data".to_owned(),
            excerpt: excerpt(body),
        }),
        None => Ok(reply),
    }
}
