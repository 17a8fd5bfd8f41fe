//! A chunk of a streamed reply.

use std::borrow::Cow;

use serde_core::de::DeserializeOwned;
use serde_core::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::content::Content;
use super::logprobs::Logprobs;
use super::message::Role;
use super::reply::{ChatReply, FinishReason, Picture, cost, pictures, place};
use super::tools::{ToolCall, ToolCallDelta};
use crate::usage::Usage;
use crate::usd::Usd;
use crate::wire::{
    Extra, count, lenient, lenient_list, lenient_object, null_is_default, read_fields, read_object,
    without_nulls,
};

read_object! {
    /// A `chat.completion.chunk` ([protocol reference, section 4.3](crate::protocol#43-streams)). Its `object`, which says no more
    /// than its type does, is not kept.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ChatChunk without "object" {
        /// The reply's id, the same in every chunk.
        pub id: Option<String> => lenient,
        /// When the reply was made, in seconds since 1970.
        pub created: Option<u64> => count,
        /// The model that answers.
        pub model: Option<String> => lenient,
        /// What is new, by choice. Empty in the chunk that carries the usage.
        pub choices: Vec<ChunkChoice> [always] => without_nulls,
        /// What the reply took, usually in the last chunk.
        pub usage: Option<Usage> => lenient_object,
        /// The system that answers.
        pub system_fingerprint: Option<String> => lenient,
    }
}

impl ChatChunk {
    /// The new text of the first choice; empty where there is none.
    pub fn text(&self) -> Cow<'_, str> {
        let first = self.choices.iter().find(|choice| choice.index == 0);
        first.map(ChunkChoice::text).unwrap_or_default()
    }

    /// What the reply cost, where this is the chunk that says so: see [`ChatReply::cost`].
    pub fn cost(&self) -> Option<Usd> {
        cost(&self.extra, self.usage.as_ref())
    }

    /// A whole reply as one chunk: what a gateway amounts to that answers a stream with a
    /// document.
    pub(crate) fn whole(reply: &ChatReply) -> Self {
        let choices = reply.choices.iter().map(|choice| ChunkChoice {
            index: choice.index,
            delta: Delta {
                role: choice.message.role.clone(),
                content: choice.message.content.clone(),
                images: choice.message.images.clone(),
                tool_calls: whole_calls(&choice.message.tool_calls),
                extra: choice.message.extra.clone(),
            },
            finish_reason: choice.finish_reason.clone(),
            logprobs: choice.logprobs.clone(),
            extra: choice.extra.clone(),
            origin: Origin::Delta,
        });
        let mut extra = reply.extra.clone();
        if !reply.data.is_empty() {
            let data = reply.data.iter().map(|it| it.0.clone().into());
            extra.insert("data".to_owned(), Value::Array(data.collect()));
        }
        Self {
            id: reply.id.clone(),
            created: reply.created,
            model: reply.model.clone(),
            choices: choices.collect(),
            usage: reply.usage.clone(),
            system_fingerprint: reply.system_fingerprint.clone(),
            extra,
        }
    }
}

fn whole_calls(calls: &[ToolCall]) -> Vec<ToolCallDelta> {
    let indexed = (0..).zip(calls);
    indexed
        .map(|(index, call)| ToolCallDelta {
            index: Some(index),
            call: call.clone(),
        })
        .collect()
}

/// What is new in one choice.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ChunkChoice {
    /// Its place among the answers.
    pub index: u64,
    /// What is new.
    pub delta: Delta,
    /// Why it ended, in the choice's last chunk.
    pub finish_reason: Option<FinishReason>,
    /// How likely its new tokens were, where that was asked for.
    pub logprobs: Option<Logprobs>,
    /// Fields that are not modelled here.
    pub extra: Extra,
    /// The field that `delta` was read from.
    pub(super) origin: Origin,
}

/// The field of a choice that contains what is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    #[default]
    Delta,
    /// `message`, as in a plain reply.
    Message,
    /// `text`, as in a reply of the older completions endpoint.
    Text,
}

read_fields! {
    ChunkChoice then Self::settle {
        index: u64 => place,
        delta: Delta => null_is_default,
        finish_reason: Option<FinishReason> => lenient,
        logprobs: Option<Logprobs>,
    }
}

impl Serialize for ChunkChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("index", &self.index)?;
        match self.origin {
            Origin::Delta => fields.serialize_entry("delta", &self.delta)?,
            Origin::Message => fields.serialize_entry("message", &self.delta)?,
            Origin::Text => {
                let mut delta = self.delta.clone();
                fields.serialize_entry("text", &delta.content.take())?;
                fields.serialize_entry("delta", &delta)?;
            }
        }
        if let Some(finish_reason) = &self.finish_reason {
            fields.serialize_entry("finish_reason", finish_reason)?;
        }
        if let Some(logprobs) = &self.logprobs {
            fields.serialize_entry("logprobs", logprobs)?;
        }
        for (name, value) in self.extra.iter() {
            fields.serialize_entry(name, value)?;
        }
        fields.end()
    }
}

impl ChunkChoice {
    /// The new text; empty where there is none. Where several answers were asked for, their pieces
    /// come in any order: [`ChunkChoice::index`] says whose this is.
    pub fn text(&self) -> Cow<'_, str> {
        let content = self.delta.content.as_ref();
        content.map(Content::text).unwrap_or_default()
    }

    /// Takes the choice's `message` or `text` for the delta where that says nothing.
    fn settle(&mut self) {
        if !self.delta.is_blank() {
            return;
        }
        if let Some(mut message) = message_in::<Delta>(&self.extra)
            && !message.is_blank()
        {
            message.role = message.role.or(self.delta.role.take());
            self.delta = message;
            self.extra.remove(MESSAGE);
            self.origin = Origin::Message;
        } else if let Some(text) = text_in(&mut self.extra) {
            self.delta.content = Some(text);
            self.origin = Origin::Text;
        }
    }
}

/// The field that a choice's message stands in where it has no delta.
pub(super) const MESSAGE: &str = "message";

/// The message among the fields of a choice; one that is a text is its content.
fn message_in<M: DeserializeOwned>(extra: &Extra) -> Option<M> {
    match extra.get(MESSAGE)? {
        Value::String(text) => M::deserialize(json!({"content": text})).ok(),
        message => M::deserialize(message).ok(),
    }
}

/// The text among the fields of a choice, removed from them, unless it is empty.
pub(super) fn text_in(extra: &mut Extra) -> Option<Content> {
    let is_text = |it: &Value| it.as_str().is_some_and(|text| !text.is_empty());
    extra.get("text").filter(|it| is_text(it))?;
    match extra.remove("text")? {
        Value::String(text) => Some(Content::Text(text)),
        _ => None,
    }
}

read_object! {
    /// A piece of a message.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Delta {
        /// Who speaks, in the first piece.
        pub role: Option<Role> => lenient,
        /// What is said next.
        pub content: Option<Content>,
        /// Pictures.
        pub images: Vec<Picture> => pictures,
        /// Pieces of calls of tools.
        pub tool_calls: Vec<ToolCallDelta> => lenient_list,
    }
}

impl Delta {
    /// Whether it says nothing: it may still have a role.
    pub(super) fn is_blank(&self) -> bool {
        self.content.as_ref().is_none_or(Content::is_empty)
            && self.images.is_empty()
            && self.tool_calls.is_empty()
            && is_blank(&self.extra)
    }
}

/// Whether every field is null or an empty text.
pub(super) fn is_blank(extra: &Extra) -> bool {
    extra
        .values()
        .all(|value| value.is_null() || value.as_str() == Some(""))
}
