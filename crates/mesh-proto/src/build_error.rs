//! Why a request cannot be built.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use crate::excerpt::excerpt;

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
    /// The body is larger than the gateway takes ([protocol reference, section 8](crate::protocol#8-limits-timeouts-retries)).
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
