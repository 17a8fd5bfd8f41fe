//! What a client's methods fail with: every other error of this crate, in one type.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::build_error::BuildError;
use crate::call::{CallError, Outcome};
use crate::error::{ApiError, ErrorCode, NoPicture};
use crate::structured::{ParseError, RoundFailure};
use crate::target::TargetError;

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
    /// If the first round failed, the error is that round's own.
    fn from(error: ParseError) -> Self {
        match error.into_first_failure() {
            Ok(RoundFailure::Build(error)) => Self::Build(error),
            Ok(RoundFailure::Call(error)) => Self::Call(error),
            Err(error) => Self::Parse(error),
        }
    }
}

impl TryFrom<Error> for RoundFailure {
    type Error = Error;

    /// Fails with the error itself if it is not of one round.
    fn try_from(error: Error) -> Result<Self, Error> {
        match error {
            Error::Build(error) => Ok(Self::Build(error)),
            Error::Call(error) => Ok(Self::Call(error)),
            Error::Parse(_) => Err(error),
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}
