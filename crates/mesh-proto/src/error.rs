//! What can go wrong, in layers: a request that cannot be built, a reply that cannot be read, an
//! error that the gateway reports, and a call that failed with what it may have cost.

mod api;
mod chain;
mod code;
mod excerpt;
mod meaning;
mod page;
pub(crate) mod secret;
mod validation;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

pub use self::api::ApiError;
pub(crate) use self::api::envelope;
pub use self::chain::chain;
pub use self::code::ErrorCode;
pub use self::excerpt::is_unprintable;
pub(crate) use self::excerpt::{EXCERPT_WINDOW, excerpt, message};
pub(crate) use self::secret::redact;
pub use self::validation::ValidationFinding;
use crate::call::{Deadline, Fault};
use crate::endpoint::Replay;
use crate::head::{Coding, Head};
use crate::image::NoPicture;
use crate::structured::ParseError;
use crate::target::TargetError;

/// Why a request cannot be built. Nothing has been sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A value breaks a rule of the protocol reference.
    Invalid {
        /// The field on the wire, such as `temperature` or `messages[2].content[1]`.
        field: Cow<'static, str>,
        /// The rule that it breaks.
        rule: String,
    },
    /// The body is larger than the gateway takes (protocol reference, section 8).
    TooLarge {
        /// The body's size in bytes, base64 growth included.
        size: u64,
        /// The most that is allowed, in bytes.
        limit: u64,
        /// The largest pictures: their place among the request's inline pictures, from 1, and
        /// their size in bytes on the wire, largest first; at most three.
        largest: Vec<(usize, u64)>,
    },
    /// The path of an endpoint makes no URL.
    Path(String),
    /// A value cannot be written as JSON.
    Json(serde_json::Error),
    /// A header cannot be written.
    Http(http::Error),
}

impl BuildError {
    /// A value that breaks a rule: for endpoints of one's own.
    pub fn invalid(field: impl Into<Cow<'static, str>>, rule: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            rule: rule.into(),
        }
    }

    pub(crate) fn path(path: &[u8]) -> Self {
        Self::Path(excerpt(path))
    }

    pub(crate) fn json(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<http::Error> for BuildError {
    fn from(error: http::Error) -> Self {
        Self::Http(error)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { field, rule } => write!(f, "{field}: {rule}"),
            Self::TooLarge {
                size,
                limit,
                largest,
            } => {
                write!(
                    f,
                    "the request is {} and the gateway takes at most {}",
                    Mebibytes(*size),
                    Mebibytes(*limit)
                )?;
                for (index, (place, size)) in largest.iter().enumerate() {
                    let lead = if index == 0 { "; largest: " } else { ", " };
                    write!(f, "{lead}picture {place} with {}", Mebibytes(*size))?;
                }
                f.write_str(" (sizes as they are sent: base64 takes a third more than the file)")
            }
            Self::Path(path) => write!(f, "{path:?} is no path of a URL"),
            Self::Json(_) => f.write_str("a value cannot be written as JSON"),
            Self::Http(_) => f.write_str("a header cannot be written"),
        }
    }
}

impl StdError for BuildError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Http(error) => Some(error),
            _ => None,
        }
    }
}

struct Mebibytes(u64);

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.saturating_mul(10) >> 20;
        write!(f, "{}.{} MiB", tenths / 10, tenths % 10)
    }
}

/// How long to wait, in words: a hint may be any number.
struct Wait(Duration);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: u64 = 86_400;
        let begun = u64::from(self.0.subsec_nanos() > 0);
        let seconds = self.0.as_secs().saturating_add(begun);
        match seconds / DAY {
            0 | 1 => write!(f, "{seconds} s"),
            days @ ..=365 => write!(f, "{days} days"),
            _ => f.write_str("more than a year"),
        }
    }
}

/// Why a reply, which the gateway sent as a success, cannot be used.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The gateway reported an error inside a successful response: in a stream, or as the body of
    /// a 200.
    Api(Box<ApiError>),
    /// The reply, or one event of a stream, is not the JSON that the protocol reference describes.
    Json {
        /// What the parser says, with line and column.
        reason: String,
        /// The beginning of the text, without base64.
        excerpt: String,
    },
    /// The body is something else than the endpoint answers: HTML of a proxy, say, or nothing.
    NotJson {
        /// What it is, in words: `HTML`, `an empty body`.
        what: &'static str,
        /// The beginning of the text, without base64.
        excerpt: String,
    },
    /// The stream or the body ended before its end mark.
    Truncated,
    /// A frame of a stream, or a reply, is larger than the limit set for it.
    TooLarge {
        /// What is too large: `reply`, `frame`.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The body is encoded in a way that nobody asked for: `gzip`, say, or one that is not known and
    /// did not leave the bytes as they are.
    Encoding(String),
    /// An answer of the images endpoints has no picture in it: the model declined (protocol
    /// reference, section 6, row 5).
    NoPicture(Box<NoPicture>),
}

impl DecodeError {
    /// The text is not the JSON it should be: for decoders of one's own. The excerpt is cut short,
    /// and freed of base64.
    pub fn json(error: &serde_json::Error, text: &[u8]) -> Self {
        Self::Json {
            // It quotes what it did not expect, which may be a picture.
            reason: message(&error.to_string()),
            excerpt: excerpt(text),
        }
    }

    /// The same error under the coding of the response's headers: bytes that are not text are encoded
    /// in the way that the headers name, though it is not a known one.
    pub(crate) fn under(self, head: &Head) -> Self {
        let (Self::NotJson {
            what: "text",
            excerpt,
        }
        | Self::Json { excerpt, .. }) = &self
        else {
            return self;
        };
        let is_text =
            !excerpt.contains(|it: char| it == char::REPLACEMENT_CHARACTER || it.is_control());
        if is_text || excerpt.trim_start().starts_with(['{', '[', '<']) {
            return self;
        }
        match head.coding() {
            Coding::Unknown(name) => Self::encoded(&name),
            Coding::None | Coding::Real(_) => self,
        }
    }

    /// The body is encoded as `coding`.
    pub(crate) fn encoded(coding: &str) -> Self {
        Self::Encoding(excerpt(coding.as_bytes()))
    }

    pub(crate) fn redact(&mut self, secret: &str) {
        match self {
            Self::Api(error) => error.redact(secret),
            Self::Json { excerpt, reason } => {
                redact(excerpt, secret);
                redact(reason, secret);
            }
            Self::NotJson { excerpt, .. } | Self::Encoding(excerpt) => redact(excerpt, secret),
            Self::NoPicture(absence) => absence.redact(secret),
            Self::Truncated | Self::TooLarge { .. } => {}
        }
    }
}

impl From<NoPicture> for DecodeError {
    fn from(absence: NoPicture) -> Self {
        Self::NoPicture(Box::new(absence))
    }
}

impl From<ApiError> for DecodeError {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Json { reason, excerpt } => write!(
                f,
                "the reply is not the JSON it should be: {reason}: {excerpt:?}"
            ),
            Self::NotJson { what, excerpt } if excerpt.is_empty() => {
                write!(f, "the reply is {what} instead of JSON")
            }
            Self::NotJson { what, excerpt } => {
                write!(f, "the reply is {what} instead of JSON: {excerpt:?}")
            }
            Self::Truncated => f.write_str("the reply ended before it was complete"),
            Self::TooLarge { what, limit } => {
                write!(f, "a {what} is larger than the limit of {limit} bytes")
            }
            Self::Encoding(encoding) => write!(
                f,
                "the reply is encoded as {encoding:?}, which nobody asked for"
            ),
            Self::NoPicture(absence) => absence.fmt(f),
        }
    }
}

impl StdError for DecodeError {}

/// What a failed call may have cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The gateway never had the whole request: nothing was done, nothing is billed.
    NotSent,
    /// The gateway said no before any work.
    Refused,
    /// The request went out, and nobody knows what became of it: it may have worked and be billed.
    /// So it is, too, where what answered was no gateway's reply: a page, or nothing.
    Unknown,
    /// An answer arrived and could not be read, or not to its end: it is billed.
    Delivered,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "the request was not sent",
            Self::Refused => "the gateway refused it before any work",
            Self::Unknown => "it is unknown whether the request was carried out; it may be billed",
            Self::Delivered => "an answer had been delivered; it is billed",
        })
    }
}

/// A call that failed: why, what it may have cost, after how many attempts.
#[derive(Debug)]
pub struct CallError(Box<Failed>);

#[derive(Debug)]
struct Failed {
    failure: Failure,
    outcome: Outcome,
    replay: Replay,
    attempts: u32,
    head: Option<Head>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The gateway reported an error.
    Api(Box<ApiError>),
    /// The reply cannot be used.
    Decode(DecodeError),
    /// The transport failed.
    Fault(Fault),
    /// A time limit passed.
    Deadline(Deadline),
    /// The gateway answered with a redirect, which is never followed: the key stays here.
    Redirect {
        /// The status.
        status: StatusCode,
        /// Where it points, if it says.
        location: Option<String>,
    },
    /// The call had ended before, and its result was taken.
    Finished,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::Deadline(deadline) => deadline.fmt(f),
            Self::Redirect {
                status,
                location: Some(location),
            } => write!(
                f,
                "the gateway redirects ({status}) to {location:?}, which is not followed; set the base URL to where the gateway is"
            ),
            Self::Redirect {
                status,
                location: None,
            } => write!(
                f,
                "the gateway redirects ({status}) without saying where to"
            ),
            Self::Finished => f.write_str("the call had ended before, and its result was taken"),
        }
    }
}

impl StdError for Failure {}

impl CallError {
    pub(crate) fn new(
        failure: Failure,
        outcome: Outcome,
        replay: Replay,
        attempts: u32,
        head: Option<Head>,
    ) -> Self {
        Self(Box::new(Failed {
            failure,
            outcome,
            replay,
            attempts,
            head,
            source: None,
        }))
    }

    /// Attaches the transport's own error, which [`source`](StdError::source) then gives, where the
    /// call failed of a fault of the transport's, and nothing otherwise.
    pub fn with_source(mut self, source: Option<Box<dyn StdError + Send + Sync>>) -> Self {
        if let Failure::Fault(_) = self.0.failure {
            self.0.source = source;
        }
        self
    }

    /// Why the call failed.
    pub fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// What the call may have cost, all of its attempts together.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// How many attempts were begun.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The head of the last response, if there was one.
    pub fn head(&self) -> Option<&Head> {
        self.0.head.as_ref()
    }

    /// The gateway's own error, whether it came as a status or inside a stream.
    pub fn api(&self) -> Option<&ApiError> {
        match &self.0.failure {
            Failure::Api(error) | Failure::Decode(DecodeError::Api(error)) => Some(error),
            _ => None,
        }
    }

    /// Why the answer holds no picture, where it came without one.
    pub fn no_picture(&self) -> Option<&NoPicture> {
        match &self.0.failure {
            Failure::Decode(DecodeError::NoPicture(absence)) => Some(absence),
            _ => None,
        }
    }

    /// The status of the last response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.head.as_ref().map(Head::status)
    }

    /// The id to quote to support: the body's, then the header's.
    pub fn request_id(&self) -> Option<&str> {
        self.api()
            .and_then(ApiError::request_id)
            .or_else(|| self.0.head.as_ref()?.request_id())
    }

    /// How long the gateway asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.api().and_then(ApiError::retry_after)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.failure.fmt(f)?;
        if self.0.failure == Failure::Finished {
            return Ok(());
        }
        if let (None, Some(id)) = (self.api(), self.request_id()) {
            write!(f, " (request {})", excerpt(id.as_bytes()))?;
        }
        if self.0.attempts > 1 {
            write!(f, "; {} attempts", self.0.attempts)?;
        }
        match (self.0.replay, self.0.outcome) {
            // A read costs nothing, whatever became of it. An image's host is not the gateway.
            (
                Replay::Always | Replay::Anew,
                Outcome::Refused | Outcome::Unknown | Outcome::Delivered,
            ) => Ok(()),
            (_, outcome) => write!(f, "; {outcome}"),
        }
    }
}

impl StdError for CallError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Why a client cannot be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetUpError {
    /// There is no target to call.
    Target(TargetError),
    /// The certificates to trust cannot be had.
    Certificates(String),
    /// The proxy to use cannot be used: which setting names it, and what is wrong with it. The
    /// value itself is not shown, as it may have a password in it.
    Proxy(String),
    /// The HTTP library refuses its configuration.
    Http(Box<dyn StdError + Send + Sync>),
}

impl fmt::Display for SetUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(error) => error.fmt(f),
            Self::Certificates(reason) => write!(f, "no certificates to trust: {reason}"),
            Self::Proxy(reason) => write!(f, "unusable proxy: {reason}"),
            Self::Http(_) => f.write_str("the HTTP client cannot be set up"),
        }
    }
}

impl StdError for SetUpError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Http(error) => Some(error.as_ref()),
            // Their text is this error's own.
            Self::Target(_) | Self::Certificates(_) | Self::Proxy(_) => None,
        }
    }
}

impl From<TargetError> for SetUpError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

/// Everything that a client's method can fail with.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The request cannot be built; nothing was sent.
    Build(BuildError),
    /// The call failed.
    Call(CallError),
    /// The answer arrived, and is not the value that was asked for.
    Parse(ParseError),
}

impl Error {
    /// What it may have cost.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Build(_) => Outcome::NotSent,
            Self::Call(error) => error.outcome(),
            Self::Parse(_) => Outcome::Delivered,
        }
    }

    /// The failed call, where one was begun.
    pub fn call(&self) -> Option<&CallError> {
        match self {
            Self::Build(_) => None,
            Self::Call(error) => Some(error),
            Self::Parse(error) => error.call(),
        }
    }

    /// The gateway's own error, where it reported one.
    pub fn api(&self) -> Option<&ApiError> {
        self.call().and_then(CallError::api)
    }

    /// Why the answer holds no picture, where one was asked for and it came without.
    pub fn no_picture(&self) -> Option<&NoPicture> {
        self.call().and_then(CallError::no_picture)
    }

    /// The status of the last response, if there was one.
    #[inline]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Parse(error) => error.status(),
            _ => self.call()?.status(),
        }
    }

    /// The gateway's stable code, where it reported one.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.api().and_then(|error| error.code.as_ref())
    }

    /// The id to quote to support.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Parse(error) => error.request_id(),
            _ => self.call()?.request_id(),
        }
    }

    /// How long the gateway asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.call().and_then(CallError::retry_after)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Call(error) => error.fmt(f),
            Self::Parse(error) => error.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Build(error) => error.source(),
            Self::Call(error) => error.source(),
            Self::Parse(error) => error.source(),
        }
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_few_words_however_long_it_is() {
        for (wait, told) in [
            (Duration::ZERO, "0 s"),
            (Duration::from_millis(1500), "2 s"),
            (Duration::from_secs(3600), "3600 s"),
            (Duration::from_secs(86_400 * 2 - 1), "172799 s"),
            (Duration::from_secs(86_400 * 2), "2 days"),
            (Duration::from_secs(86_400 * 365), "365 days"),
            (Duration::from_secs(86_400 * 366), "more than a year"),
            (Duration::MAX, "more than a year"),
        ] {
            assert_eq!(Wait(wait).to_string(), told);
        }
    }
}
