//! `POST /v1/chat/completions`, answered with one document (protocol reference, section 4.2).

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};

use super::document::{DocumentDecoder, object, parse};
use super::{Endpoint, Replay, json_request, spliced};
use crate::body::Body;
use crate::call::Limits;
use crate::chat::{ChatReply, ChatRequest, IMAGES, ReplyMessage};
use crate::error::{ApiError, BuildError, DecodeError, excerpt};
use crate::head::Head;
use crate::target::Target;
use crate::wire::{legible, quoted};

pub(super) const PATH: &str = "/v1/chat/completions";

impl Endpoint for ChatRequest {
    type Event = Infallible;
    type Output = ChatReply;
    type Decoder = DocumentDecoder<ChatReply>;

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
        Ok(
            DocumentDecoder::new(head, limits, (), |body, ()| parse_reply(&body))
                .checked(|reply| reply.failure().map_or(Ok(()), |error| Err(error.into()))),
        )
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
    let reply: ChatReply = parse(body)?;
    let says_something = |message: &ReplyMessage| {
        !message.images.is_empty() || message.content.as_ref().is_some_and(|it| !it.is_empty())
    };
    if !reply.data.is_empty()
        || (reply.extra.contains_key(IMAGES) && !reply.images().is_empty())
        || reply
            .choices
            .iter()
            .any(|choice| says_something(&choice.message))
    {
        return Ok(reply);
    }
    let document = object(body).unwrap_or_default();
    if let Some(error) = ApiError::in_band(&document) {
        return Err(error.into());
    }
    if document.contains_key("choices") || document.contains_key("data") {
        let error = reply
            .is_blank()
            .then(|| ApiError::in_place_of_reply(&document));
        return error.flatten().map_or(Ok(reply), |it| Err(it.into()));
    }
    let error = reply.failure();
    let error = error.or_else(|| ApiError::from_envelope(StatusCode::OK, &document));
    Err(match error {
        Some(error) => error.into(),
        None => DecodeError::Json {
            reason: "neither choices nor data".to_owned(),
            excerpt: excerpt(body),
        },
    })
}
