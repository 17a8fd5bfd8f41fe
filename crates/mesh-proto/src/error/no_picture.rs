//! An answer without the picture that was asked for.

use std::fmt;

use super::{Found, Success};
use crate::excerpt::message;
use crate::secret::redact;
use crate::usage::Usage;
use crate::wire::Json;

/// Why an answer holds no picture, and what the model says instead ([protocol reference, section 6](crate::protocol#6-image-results-a-client-must-accept),
/// row 5). The answer was delivered, and it is billed.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct NoPicture {
    /// Why.
    pub reason: Absence,
    /// What the model says, whole; empty where it says nothing.
    pub text: String,
    /// What it took, where the answer says so.
    pub usage: Option<Box<Usage>>,
}

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// The model refuses, and says so.
    Refusal,
    /// A content filter stopped it.
    ContentFilter,
    /// The model answers in words.
    Prose,
    /// The answer reached the most tokens before a picture came.
    CutOff,
    /// The model calls tools instead.
    ToolCalls,
    /// There is nothing in the answer, which is how models decline without a word.
    Empty,
}

impl NoPicture {
    pub(crate) fn new(reason: Absence, text: impl Into<String>, usage: Option<Usage>) -> Self {
        Self {
            reason,
            text: text.into(),
            usage: usage.map(Box::new),
        }
    }

    /// What an images answer without a picture says of itself: whatever words stand where the
    /// picture should be.
    pub(crate) fn in_data<'d>(
        data: impl IntoIterator<Item = &'d Json>,
        usage: Option<Usage>,
    ) -> Self {
        let items: Vec<&Json> = data.into_iter().collect();
        let said = |places: &[&str]| {
            let texts = items.iter().flat_map(|item| {
                places
                    .iter()
                    .filter_map(|place| item.get(place).and_then(Json::as_str))
            });
            texts
                .map(str::trim)
                .find(|text| !text.is_empty())
                .map(str::to_owned)
        };
        if let Some(text) = said(&["refusal"]) {
            return Self::new(Absence::Refusal, text, usage);
        }
        let filtered = [
            "content_filter",
            "content_policy_violation",
            "filtered_reason",
            "rai_filtered_reason",
            "raiFilteredReason",
        ];
        let by_filter = said(&["finish_reason"])
            .as_deref()
            .is_some_and(|reason| filtered.contains(&reason));
        let reason = if by_filter || said(&filtered).is_some() {
            Absence::ContentFilter
        } else {
            Absence::Empty
        };
        let error = items.iter().find_map(|item| {
            let error = item.get("error")?;
            let envelope = [("error".to_owned(), error.clone().into())];
            matches!(error, Json::Object(_))
                .then(|| Success::of(&envelope.into_iter().collect(), Found::Part).error())?
        });
        if let Some(error) = error {
            let reason = if by_filter || error.is_content_policy() {
                Absence::ContentFilter
            } else {
                Absence::Empty
            };
            return Self::new(reason, error.message, usage);
        }
        let words = ["message", "reason", "text", "error", "detail"];
        let text = said(&filtered).or_else(|| said(&words)).unwrap_or_default();
        Self::new(reason, text, usage)
    }

    pub(crate) fn redact(&mut self, secret: &str) {
        redact(&mut self.text, secret);
    }
}

impl fmt::Display for NoPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Absence::Refusal => "the model refuses to draw",
            Absence::ContentFilter => "a content filter stopped the picture",
            Absence::Prose => "the model sent no picture but words",
            Absence::CutOff => "the answer reached the most tokens before a picture came",
            Absence::ToolCalls => "the model sent no picture but calls tools",
            Absence::Empty => {
                "the model sent no picture, which is how it declines; another prompt may do"
            }
        })?;
        if self.text.trim().is_empty() {
            return Ok(());
        }
        write!(f, ": {}", message(self.text.trim()))
    }
}

// The words may be somebody's, and they may hold what was to be a picture.
impl fmt::Debug for NoPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoPicture")
            .field("reason", &self.reason)
            .field("text", &message(&self.text))
            .field("usage", &self.usage)
            .finish()
    }
}

impl std::error::Error for NoPicture {}
