//! What a chat reply has of a reply, and where an error may have ended it: what
//! [`Success`] asks of it.

use serde_json::Value;

use super::chunk::ChatChunk;
use super::reply::{ChatReply, Choice, FinishReason, IMAGES, Picture};
use crate::error::{ApiError, End, Found, Success};
use crate::wire::Extra;

impl ChatChunk {
    /// How much of a reply is in it.
    pub(crate) fn found(&self) -> Found {
        let is_blank = self.choices.is_empty()
            && self.usage.is_none()
            && self.model.is_none()
            && self.created.is_none()
            && !holds_data(&self.extra);
        if is_blank { Found::Blank } else { Found::Part }
    }

    /// Its choices, each of which an error may end.
    pub(crate) fn ends(&self) -> impl Iterator<Item = End<'_>> {
        let choices = self.choices.iter();
        choices.map(|choice| end(choice.finish_reason.as_ref(), &choice.extra))
    }
}

impl Choice {
    pub(super) fn end(&self) -> End<'_> {
        end(self.finish_reason.as_ref(), &self.extra)
    }
}

impl ChatReply {
    /// The error that ended the answer.
    pub(crate) fn failure(&self) -> Option<ApiError> {
        let answer = Success::of(&self.extra, Found::Answer);
        answer.with_ends(self.ends()).error()
    }

    /// Its choices, each of which an error may end.
    pub(crate) fn ends(&self) -> impl Iterator<Item = End<'_>> {
        self.choices.iter().map(Choice::end)
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

fn end<'s>(finish_reason: Option<&'s FinishReason>, extra: &'s Extra) -> End<'s> {
    End {
        finish_reason: finish_reason.map(FinishReason::as_str),
        extra,
    }
}

fn holds_data(extra: &Extra) -> bool {
    let mut places = ["data", IMAGES].iter().filter_map(|name| extra.get(*name));
    places.any(|place| match place {
        Value::Array(data) => !data.is_empty(),
        place => !place.is_null(),
    })
}
