//! What can be asked of the gateway: one [`Endpoint`] per method and path, each with the decoder
//! of its response.

mod api_versions;
mod chat;
mod chat_stream;
mod document;
mod error_codes;
mod frame;
mod image_edit;
mod image_generation;
mod image_stream;
mod model;
mod models;
mod models_search;
mod query;
mod reply;
mod rows;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use http::header;
use http::{Method, StatusCode};

pub use self::api_versions::ListApiVersions;
pub use self::chat_stream::ChatStream;
pub use self::document::DocumentDecoder;
pub use self::error_codes::ListErrorCodes;
pub use self::image_stream::ImageStream;
pub use self::model::GetModel;
pub use self::models::ListModels;
pub use self::reply::ReplyDecoder;
pub use self::stream::{Assemble, StreamDecoder};
use crate::body::{Body, Splice};
use crate::build_error::BuildError;
use crate::error::Failure;
use crate::error::{ApiError, DecodeError};
use crate::head::{Answer, Coding, Head, ReplyEnd};
use crate::limits::Limits;
pub use crate::models::{SearchModels, SearchOrder, SearchSort};
pub use crate::replay::Replay;
use crate::target::Target;
use crate::wire::{Manner, Wire, Written};

/// A request of the gateway as a value: what to send, and how to read what comes back.
///
/// Implement it for an endpoint of one's own, and every transport can call it:
///
/// ```
/// use mesh_proto::body::Body;
/// use mesh_proto::call::Limits;
/// use mesh_proto::endpoint::{DocumentDecoder, Endpoint, Replay};
/// use mesh_proto::error::{BuildError, DecodeError};
/// use mesh_proto::head::Head;
/// use mesh_proto::Target;
///
/// /// `GET /v1/errors`: the catalogue of error codes.
/// struct ErrorCatalogue;
///
/// impl Endpoint for ErrorCatalogue {
///     type Event = std::convert::Infallible;
///     type Output = serde_json::Value;
///     type Decoder = DocumentDecoder<serde_json::Value>;
///
///     fn replay(&self) -> Replay {
///         Replay::Always
///     }
///
///     fn request(&self, target: &Target) -> Result<http::Request<Body>, BuildError> {
///         Ok(target.request(http::Method::GET, "/v1/errors")?.body(Body::empty())?)
///     }
///
///     fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
///         Ok(DocumentDecoder::json(head, limits))
///     }
/// }
///
/// let response = http::Response::new(r#"["bad_request"]"#.into());
/// let answer = ErrorCatalogue.read(response).expect("a reply");
/// assert_eq!(answer.value[0], "bad_request");
/// ```
pub trait Endpoint {
    /// One item of a stream; [`Infallible`](std::convert::Infallible) where the reply is one
    /// document.
    type Event;
    /// The whole reply.
    type Output;
    /// What reads the response.
    type Decoder: Decode<Event = Self::Event, Output = Self::Output>;

    /// Whether the request may be sent again after a failure.
    fn replay(&self) -> Replay;

    /// The request, ready to be sent to `target`.
    ///
    /// Errors where a value breaks a rule of the protocol reference.
    fn request(&self, target: &Target) -> Result<http::Request<Body>, BuildError>;

    /// A decoder for the body of a success.
    ///
    /// Errors where the head already shows that the body is not what it should be.
    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError>;

    /// How long the request asks the gateway to wait for the provider (the field `timeout`), which
    /// the limit for the response's head follows. None by default.
    fn upstream_timeout(&self) -> Option<Duration> {
        None
    }

    /// Reads a response that is there as a whole: for those who send requests in their own way.
    /// Any status is welcome; what is not a success becomes [`Failure::Api`] or
    /// [`Failure::Redirect`].
    fn read(&self, response: http::Response<Bytes>) -> Result<Answer<Self::Output>, Failure> {
        let (parts, body) = response.into_parts();
        let head = Head::from(&parts);
        match Verdict::of(&head) {
            Verdict::Success => {}
            Verdict::Error => return Err(Failure::Api(Box::new(ApiError::read(&head, &body)))),
            Verdict::Failure(failure) => return Err(failure),
        }
        let read = |head: &Head| {
            let mut decoder = self.decoder(head, &Limits::default())?;
            decoder.push(body)?;
            decoder.end();
            while let Decoded::Event(_) = decoder.next()? {}
            let value = decoder.finish()?;
            Ok((value, decoder.reply_end()))
        };
        match read(&head) {
            Ok((value, end)) => Ok(Answer { head, value, end }),
            Err(error) => Err(Failure::Decode(DecodeError::under(error, &head))),
        }
    }
}

/// Reads the body of a success, piece by piece.
pub trait Decode {
    /// One item of a stream.
    type Event;
    /// The whole reply.
    type Output;

    /// Takes the next piece of the body. [`Decode::next`] is called until it is starved before the
    /// next piece.
    ///
    /// Errors where the body grows beyond a limit.
    fn push(&mut self, chunk: Bytes) -> Result<(), DecodeError>;

    /// Says that the body has ended.
    fn end(&mut self);

    /// The next item, or that there is none yet, or that the reply is complete whatever follows.
    fn next(&mut self) -> Result<Decoded<Self::Event>, DecodeError>;

    /// Whether the reply is whole even if the body breaks off here. False by default.
    fn is_sufficient(&self) -> bool {
        false
    }

    /// The whole reply, once it is complete or the body has ended.
    ///
    /// Errors where it is not the whole: [`DecodeError::Truncated`] if the end mark is missing and the
    /// reply does not show in another way that it is complete.
    fn finish(&mut self) -> Result<Self::Output, DecodeError>;

    /// How the reply ended, after [`Decode::finish`] has returned it.
    fn reply_end(&self) -> ReplyEnd {
        ReplyEnd::Regular
    }

    /// Whether part of the reply has been received that no event has shown: what was delivered is
    /// billed, however the reply ends. No, by default.
    fn has_begun(&self) -> bool {
        false
    }

    /// What there is of the reply after a failure, if it is of use to anyone.
    fn partial(&mut self) -> Option<Self::Output>;
}

/// What a decoder has for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// An item of the stream.
    Event(T),
    /// Nothing until more bytes come.
    Starved,
    /// Nothing more: the end mark has come.
    Complete,
}

/// What a response's head says about the body that follows.
pub(crate) enum Verdict {
    Success,
    /// The body tells the error.
    Error,
    Failure(Failure),
}

impl Verdict {
    pub(crate) fn of(head: &Head) -> Self {
        // Not modified since when? Nobody asked, and it points nowhere.
        if head.status().is_redirection() && head.status() != StatusCode::NOT_MODIFIED {
            let location = head
                .headers()
                .get(header::LOCATION)
                .map(|location| crate::excerpt::excerpt(location.as_bytes()));
            return Self::Failure(Failure::Redirect {
                status: head.status(),
                location,
            });
        }
        if !head.status().is_success() {
            return Self::Error;
        }
        match head.coding() {
            Coding::Real(name) => Self::Failure(Failure::Decode(DecodeError::encoded(&name))),
            // Whether the bytes are plain, they show.
            Coding::Unknown(_) | Coding::None => Self::Success,
        }
    }
}

impl<E: Endpoint + ?Sized> Endpoint for &E {
    type Event = E::Event;
    type Output = E::Output;
    type Decoder = E::Decoder;

    fn replay(&self) -> Replay {
        (**self).replay()
    }

    fn request(&self, target: &Target) -> Result<http::Request<Body>, BuildError> {
        (**self).request(target)
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        (**self).decoder(head, limits)
    }

    fn upstream_timeout(&self) -> Option<Duration> {
        (**self).upstream_timeout()
    }
}

/// The compact JSON of `value` with its pictures as segments.
fn spliced<T: Wire>(value: &T) -> Result<Body, BuildError> {
    let splice = Splice::new();
    splice.body(&Written(value, Manner::spliced(&splice)))
}

/// A request for `path` that says what it takes, and of a body that it is JSON.
fn json_request(
    target: &Target,
    method: Method,
    path: impl Into<Bytes>,
    accept: &'static str,
    body: Body,
) -> Result<http::Request<Body>, BuildError> {
    target.json_request(method, &path.into(), accept, body)
}
