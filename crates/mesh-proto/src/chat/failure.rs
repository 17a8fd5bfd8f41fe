//! An answer that did not come to its end, and says so: gateways tell a provider's failure where the
//! next words would stand.

use serde_json::Value;

use super::chunk::ChatChunk;
use super::reply::{ChatReply, Choice, FinishReason, IMAGES, Picture};
use crate::error::ApiError;
use crate::excerpt::excerpt;
use crate::wire::Extra;

impl ChatChunk {
    /// The error that the chunk tells.
    pub(crate) fn failure(&self) -> Option<ApiError> {
        let in_choices = || {
            let mut choices = self.choices.iter();
            choices.find_map(|choice| in_choice(choice.finish_reason.as_ref(), &choice.extra))
        };
        ApiError::in_band(&self.extra)
            .or_else(|| beside(&self.extra))
            .or_else(in_choices)
    }

    /// Whether there is nothing in it that a reply has.
    pub(crate) fn is_blank(&self) -> bool {
        self.choices.is_empty()
            && self.usage.is_none()
            && self.model.is_none()
            && self.created.is_none()
            && !holds_data(&self.extra)
    }
}

impl Choice {
    /// The error that ended it.
    pub(super) fn failure(&self) -> Option<ApiError> {
        in_choice(self.finish_reason.as_ref(), &self.extra)
    }
}

impl ChatReply {
    /// The error that ended an answer.
    pub(crate) fn failure(&self) -> Option<ApiError> {
        let mut choices = self.choices.iter();
        beside(&self.extra).or_else(|| choices.find_map(Choice::failure))
    }

    /// Whether there is nothing in it that a reply has.
    pub(crate) fn is_blank(&self) -> bool {
        self.choices.is_empty()
            && self.usage.is_none()
            && self.model.is_none()
            && self.created.is_none()
            && !self.data.iter().any(Picture::is_one)
    }
}

/// `OpenRouter` tells a provider's failure in the choice, or by its reason alone.
fn in_choice(finish_reason: Option<&FinishReason>, extra: &Extra) -> Option<ApiError> {
    if let Some(error) = ApiError::in_band(extra) {
        return Some(error);
    }
    match finish_reason {
        Some(FinishReason::Other(reason)) if reason.eq_ignore_ascii_case("error") => {}
        _ => return None,
    }
    let own = extra.get("native_finish_reason").and_then(Value::as_str);
    let own = own.filter(|own| !own.is_empty() && !own.eq_ignore_ascii_case("error"));
    let own = own.map(|own| format!(" ({})", excerpt(own.as_bytes())));
    Some(ApiError::untold(&format!(
        "the model's provider ended the answer with an error{}",
        own.unwrap_or_default()
    )))
}

/// Groq tells it in an object of its own.
fn beside(extra: &Extra) -> Option<ApiError> {
    ApiError::in_band(extra.get("x_groq")?.as_object()?)
}

fn holds_data(extra: &Extra) -> bool {
    let mut places = ["data", IMAGES].iter().filter_map(|name| extra.get(*name));
    places.any(|place| match place {
        Value::Array(data) => !data.is_empty(),
        place => !place.is_null(),
    })
}
