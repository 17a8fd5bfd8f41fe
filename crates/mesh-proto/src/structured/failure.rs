//! An answer that is not what was asked for.

use std::fmt;

use http::StatusCode;

use crate::build_error::BuildError;
use crate::call::CallError;
use crate::chat::ChatReply;
use crate::excerpt::excerpt;
use crate::head::Answer;
use crate::outcome::Outcome;

/// No value came out of an answer, though it was delivered, and is billed. What came is kept: the
/// text, and every round with its usage.
pub struct ParseError(Box<Failed>);

struct Failed {
    reason: ParseReason,
    rounds: Vec<Answer<ChatReply>>,
}

/// Why no value came out of an answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ParseReason {
    /// Prose, with or without JSON in it: the model may not know response formats ([protocol
    /// reference, section 4.4](crate::protocol#44-structured-output-and-tools)).
    Prose,
    /// JSON with an error in it.
    Broken {
        /// Whether it only lacks its end.
        is_cut: bool,
        /// What the parser says.
        message: String,
    },
    /// JSON of another shape.
    Shape {
        /// Where, such as `rooms[2].size`; empty for the whole. As near as serde tells: a value in
        /// an untagged enum or a flattened field is told by the object around it.
        place: String,
        /// What serde says.
        message: String,
    },
    /// No text at all, which some models answer with success.
    Empty,
    /// The model declines, or a content filter stopped it; the text says what was given for it.
    Refused(String),
    /// The answer reached the most tokens before its end.
    CutOff,
    /// The model calls tools instead; [`ParseError::rounds`] holds the calls.
    ToolCalls,
    /// A round failed. Earlier ones are billed all the same.
    Round(RoundFailure),
}

impl ParseReason {
    /// What the model is told of its answer, where telling may help.
    pub(super) fn correction(&self) -> Option<String> {
        match self {
            Self::Prose | Self::Broken { .. } | Self::Shape { .. } | Self::Empty => {
                Some(self.to_string())
            }
            Self::Refused(_) | Self::CutOff | Self::ToolCalls | Self::Round(_) => None,
        }
    }
}

impl fmt::Display for ParseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prose => f.write_str("prose instead of JSON"),
            Self::Broken { message, .. } => write!(f, "broken JSON: {message}"),
            Self::Shape { place, message } if place.is_empty() => {
                write!(f, "JSON of another shape: {message}")
            }
            Self::Shape { place, message } => {
                write!(f, "JSON of another shape: at {place}: {message}")
            }
            Self::Empty => f.write_str("empty"),
            Self::Refused(text) if text.is_empty() => f.write_str("withheld by a content filter"),
            Self::Refused(text) => write!(f, "a refusal: {:?}", excerpt(text.as_bytes())),
            Self::CutOff => {
                f.write_str("cut off at the most tokens; a larger max_tokens gives it room")
            }
            Self::ToolCalls => f.write_str("calls of tools instead of JSON"),
            Self::Round(failure) => write!(f, "not to be had: {failure}"),
        }
    }
}

impl ParseError {
    pub(super) fn new(reason: ParseReason, rounds: Vec<Answer<ChatReply>>) -> Self {
        Self(Box::new(Failed { reason, rounds }))
    }

    /// Why no value came out.
    pub fn reason(&self) -> &ParseReason {
        &self.0.reason
    }

    /// The text of the last answer, whole.
    pub fn text(&self) -> String {
        let last = self.0.rounds.last();
        last.map(|reply| reply.text().into_owned())
            .unwrap_or_default()
    }

    /// Every answer that was received, in order; each is billed, and contains its own usage. Empty
    /// if the first round failed.
    pub fn rounds(&self) -> &[Answer<ChatReply>] {
        &self.0.rounds
    }

    /// What it may have cost: what the failed round may have, unless earlier rounds were answered.
    pub fn outcome(&self) -> Outcome {
        match &self.0.reason {
            ParseReason::Round(failure) if self.0.rounds.is_empty() => failure.outcome(),
            _ => Outcome::Delivered,
        }
    }

    /// The failure of the first round, with which nothing was answered, or the error itself.
    pub(crate) fn into_first_failure(self) -> Result<RoundFailure, Self> {
        match *self.0 {
            Failed {
                reason: ParseReason::Round(failure),
                rounds,
            } if rounds.is_empty() => Ok(failure),
            failed => Err(Self(Box::new(failed))),
        }
    }

    /// The answers, to be kept.
    pub fn into_rounds(self) -> Vec<Answer<ChatReply>> {
        self.0.rounds
    }

    /// The call of a later round, where that is what failed.
    pub fn call(&self) -> Option<&CallError> {
        match &self.0.reason {
            ParseReason::Round(RoundFailure::Call(error)) => Some(error),
            _ => None,
        }
    }

    /// The id to quote to support: of the failed call, or of the last answer.
    pub fn request_id(&self) -> Option<&str> {
        match self.call() {
            Some(call) => call.request_id(),
            None => self.0.rounds.last()?.head.request_id(),
        }
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self.call() {
            Some(call) => call.status(),
            None => Some(self.0.rounds.last()?.head.status()),
        }
    }
}

/// Why a round was not answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum RoundFailure {
    /// The request cannot be built, because the conversation has become too large, say.
    Build(BuildError),
    /// The call failed.
    Call(CallError),
}

impl RoundFailure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Build(_) => Outcome::NotSent,
            Self::Call(error) => error.outcome(),
        }
    }
}

impl From<BuildError> for RoundFailure {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<CallError> for RoundFailure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for RoundFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RoundFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Build(error) => error.source(),
            Self::Call(error) => error.source(),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (ParseReason::Round(failure), true) = (&self.0.reason, self.0.rounds.is_empty()) {
            return failure.fmt(f);
        }
        write!(f, "the answer is {}", self.0.reason)?;
        let shows_text = matches!(
            self.0.reason,
            ParseReason::Prose | ParseReason::Broken { .. } | ParseReason::Shape { .. }
        );
        if shows_text {
            write!(f, ": {:?}", excerpt(self.text().as_bytes()))?;
        }
        if let (None, Some(id)) = (self.call(), self.request_id()) {
            write!(f, " (request {id})")?;
        }
        match self.0.rounds.len() {
            0 | 1 => write!(f, "; {}", Outcome::Delivered),
            rounds => write!(f, "; {rounds} answers had been delivered; each is billed"),
        }
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParseError")
            .field("reason", &self.0.reason)
            .field("rounds", &self.0.rounds)
            .finish()
    }
}

impl std::error::Error for ParseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.reason {
            // Its text is this error's own.
            ParseReason::Round(failure) => std::error::Error::source(failure),
            _ => None,
        }
    }
}
