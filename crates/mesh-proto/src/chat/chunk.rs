//! A chunk of a streamed reply.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::content::Content;
use super::message::Role;
use super::reply::{ChatReply, FinishReason, Picture, cost, index, pictures};
use super::tools::{ToolCall, ToolCallDelta};
use super::usage::Usage;
use crate::usd::Usd;
use crate::wire::{Extra, count, lenient, lenient_list, null_is_default, unkept, without_nulls};

/// A `chat.completion.chunk` (protocol reference, section 4.3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(
    clippy::manual_non_exhaustive,
    reason = "the field of no type is one of the wire's"
)]
#[non_exhaustive]
pub struct ChatChunk {
    /// The reply's id, the same in every chunk.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub id: Option<String>,
    /// When the reply was made, in seconds since 1970.
    #[serde(
        default,
        deserialize_with = "count",
        skip_serializing_if = "Option::is_none"
    )]
    pub created: Option<u64>,
    /// The model that answers.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub model: Option<String>,
    /// What is new, by choice. Empty in the chunk that carries the usage.
    #[serde(default, deserialize_with = "without_nulls")]
    pub choices: Vec<ChunkChoice>,
    /// What the reply took, usually in the last chunk.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub usage: Option<Usage>,
    /// The system that answers.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub system_fingerprint: Option<String>,
    /// It says what the value is, which its type does: read, so that no chunk has fields of its
    /// own for that alone.
    #[serde(
        default,
        rename = "object",
        deserialize_with = "unkept",
        skip_serializing
    )]
    _object: (),
    /// Fields that are not modelled here.
    #[serde(flatten)]
    pub extra: Extra,
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
            extra: choice.extra.clone(),
        });
        Self {
            id: reply.id.clone(),
            created: reply.created,
            model: reply.model.clone(),
            choices: choices.collect(),
            usage: reply.usage.clone(),
            system_fingerprint: reply.system_fingerprint.clone(),
            _object: (),
            extra: reply.extra.clone(),
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChunkChoice {
    /// Its place among the answers.
    #[serde(default, deserialize_with = "index")]
    pub index: u64,
    /// What is new.
    #[serde(default, deserialize_with = "null_is_default")]
    pub delta: Delta,
    /// Why it ended, in the choice's last chunk.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub finish_reason: Option<FinishReason>,
    /// Fields that are not modelled here.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ChunkChoice {
    /// The new text; empty where there is none. Where several answers were asked for, their pieces
    /// come in any order: [`ChunkChoice::index`] says whose this is.
    pub fn text(&self) -> Cow<'_, str> {
        let content = self.delta.content.as_ref();
        content.map(Content::text).unwrap_or_default()
    }
}

/// A piece of a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delta {
    /// Who speaks, in the first piece.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub role: Option<Role>,
    /// What is said next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Pictures.
    #[serde(
        default,
        deserialize_with = "pictures",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub images: Vec<Picture>,
    /// Pieces of calls of tools.
    #[serde(
        default,
        deserialize_with = "lenient_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tool_calls: Vec<ToolCallDelta>,
    /// Fields that are not modelled here.
    #[serde(flatten)]
    pub extra: Extra,
}
