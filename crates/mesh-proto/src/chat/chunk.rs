//! A chunk of a streamed reply.

use std::borrow::Cow;

use serde_json::Value;

use super::content::Content;
use super::message::Role;
use super::reply::{ChatReply, FinishReason, Picture, cost, pictures, place};
use super::tools::{ToolCall, ToolCallDelta};
use super::usage::Usage;
use crate::usd::Usd;
use crate::wire::{
    count, lenient, lenient_list, lenient_object, null_is_default, read_object, without_nulls,
};

read_object! {
    /// A `chat.completion.chunk` (protocol reference, section 4.3). Its `object`, which says no more
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
        /// What the reply took, usually in the last chunk; boxed, as most chunks have none.
        pub usage: Option<Box<Usage>> => lenient_object,
        /// The system that answers.
        pub system_fingerprint: Option<String> => lenient,
    }
}

impl ChatChunk {
    /// The new text of the first choice; empty where there is none.
    #[inline]
    pub fn text(&self) -> Cow<'_, str> {
        let first = self.choices.iter().find(|choice| choice.index == 0);
        first.map(ChunkChoice::text).unwrap_or_default()
    }

    /// What the reply cost, where this is the chunk that says so: see [`ChatReply::cost`].
    #[inline]
    pub fn cost(&self) -> Option<Usd> {
        cost(&self.extra, self.usage.as_deref())
    }

    /// A whole reply as one chunk: what a gateway amounts to that answers a stream with a
    /// document.
    #[inline]
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
            usage: reply.usage.clone().map(Box::new),
            system_fingerprint: reply.system_fingerprint.clone(),
            extra,
        }
    }
}

#[inline]
fn whole_calls(calls: &[ToolCall]) -> Vec<ToolCallDelta> {
    let indexed = (0..).zip(calls);
    indexed
        .map(|(index, call)| ToolCallDelta {
            index: Some(index),
            call: call.clone(),
        })
        .collect()
}

read_object! {
    /// What is new in one choice.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ChunkChoice {
        /// Its place among the answers.
        pub index: u64 [always] => place,
        /// What is new.
        pub delta: Delta [always] => null_is_default,
        /// Why it ended, in the choice's last chunk.
        pub finish_reason: Option<FinishReason> => lenient,
    }
}

impl ChunkChoice {
    /// The new text; empty where there is none. Where several answers were asked for, their pieces
    /// come in any order: [`ChunkChoice::index`] says whose this is.
    pub fn text(&self) -> Cow<'_, str> {
        let content = self.delta.content.as_ref();
        content.map(Content::text).unwrap_or_default()
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
