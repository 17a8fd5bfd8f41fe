//! Why a call failed, and what it may have cost.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::Outcome;
use crate::call::Failure;
use crate::error::{ApiError, DecodeError, NoPicture};
use crate::excerpt::excerpt;
use crate::head::Head;
use crate::replay::Replay;

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
