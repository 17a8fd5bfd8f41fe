//! `POST /v1/chat/completions`, answered with one document ([protocol reference, section 4.2](crate::protocol#42-response)).

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;

use super::document::{DocumentDecoder, object, parse_within};
use super::reply::ReplyDecoder;
use super::stream::StreamDecoder;
use super::{Endpoint, Replay, json_request, spliced};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::chat::{Assembly, ChatReply, ChatRequest, IMAGES, Picture, ReplyMessage};
use crate::error::{DecodeError, Found, Success};
use crate::excerpt::excerpt;
use crate::head::Head;
use crate::limits::Limits;
use crate::target::Target;
use crate::wire::weight;
use crate::wire::{legible, quoted};

pub(super) const PATH: &str = "/v1/chat/completions";

impl Endpoint for ChatRequest {
    type Event = Infallible;
    type Output = ChatReply;
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
        let document = DocumentDecoder::new(head, limits, (), |body, ()| parse_reply(&body))
            .checked(|reply| reply.failure().map_or(Ok(()), |error| Err(error.into())));
        let events = StreamDecoder::new(head, limits, Assembly::default());
        Ok(ReplyDecoder::new(document, events))
    }

    fn upstream_timeout(&self) -> Option<Duration> {
        self.upstream_timeout()
    }
}

/// A body as a chat reply. As every field may be missing, what says nothing is looked at once
/// more: it may be an error in any envelope, or no chat reply at all.
pub(super) fn parse_reply(body: &Bytes) -> Result<ChatReply, DecodeError> {
    let quoted = quoted(&legible(body));
    let quoted = quoted.map(Bytes::from);
    let body = quoted.as_ref().unwrap_or(body);
    let reply: ChatReply = parse_within(body, weight::CHAT)?;
    let says_something = |message: &ReplyMessage| {
        !message.images.is_empty() || message.content.as_ref().is_some_and(|it| !it.is_empty())
    };
    if reply.data.iter().any(Picture::is_one)
        || (reply.extra.contains_key(IMAGES) && !reply.images().is_empty())
        || reply
            .choices
            .iter()
            .any(|choice| says_something(&choice.message))
    {
        return Ok(reply);
    }
    let document = object(body).unwrap_or_default();
    let is_blank = reply.is_blank();
    let is_reply = match document.get("choices") {
        // No answer, of a model that says what it is or what it took.
        Some(Value::Null) => !is_blank,
        choices => choices.is_some(),
    };
    let found = if is_reply && !is_blank {
        Found::Part
    } else if document.contains_key("choices") || document.contains_key("data") {
        Found::Blank
    } else {
        Found::Nothing
    };
    let success = Success::of(&document, found);
    let error = match found {
        Found::Nothing => success.with_ends(reply.ends()).error(),
        // Where it ended in an error is asked of the whole reply, which is then kept beside it.
        _ => success.error(),
    };
    match error {
        Some(error) => Err(error.into()),
        None if is_reply => Ok(reply),
        None => Err(DecodeError::Json {
            reason: "it has no choices and no image".to_owned(),
            excerpt: excerpt(body),
        }),
    }
}
