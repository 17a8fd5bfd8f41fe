//! What can go wrong, in layers: a request that cannot be built, a reply that cannot be read, an
//! error that the gateway reports, and a call that failed with what it may have cost.

mod api;
mod chain;
mod code;
mod failure;
mod in_success;
mod meaning;
mod no_picture;
mod validation;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

pub use self::api::ApiError;
pub use self::chain::chain;
pub use self::code::ErrorCode;
pub use self::failure::Failure;
pub use self::in_success::{End, Found};
pub(crate) use self::in_success::{Success, error_in_body};
pub use self::no_picture::{Absence, NoPicture};
pub use self::validation::ValidationFinding;
pub use crate::build_error::BuildError;
pub use crate::excerpt::is_unprintable;
use crate::excerpt::{excerpt, message};
use crate::head::{Coding, Head};
pub use crate::outcome::Outcome;
use crate::secret::redact;

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
    /// An answer of the images endpoints has no picture in it: the model declined ([protocol
    /// reference, section 6](crate::protocol#6-image-results-a-client-must-accept), row 5).
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
