//! A stream's chunks put together: the reply that a plain call would have got.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::chunk::{ChatChunk, ChunkChoice};
use super::chunk_reader::ChunkReader;
use super::content::Content;
use super::reply::{ChatReply, Choice, IMAGES, Picture, pictures, pictures_in};
use super::tools::ToolCalls;
use crate::error::ApiError;
use crate::image::{is_continuation, picture_text};
use crate::wire::Json;

/// A reply in the making: see [`Assemble`](crate::endpoint::Assemble).
#[derive(Debug, Default)]
pub struct Assembly {
    reader: ChunkReader,
    reply: Option<ChatReply>,
    /// How far the tool calls of each choice have got, by the choice's index.
    calls: BTreeMap<u64, ToolCalls>,
}

impl Assembly {
    /// Reads a chunk.
    #[inline]
    pub(crate) fn read(&mut self, frame: &str) -> Result<ChatChunk, serde_json::Error> {
        self.reader.read(frame)
    }

    /// Adds a chunk. Copies what is new in it, and nothing that is told again.
    #[inline]
    pub(crate) fn add(&mut self, chunk: &ChatChunk) {
        let reply = self.reply.get_or_insert_default();
        keep_first(&mut reply.id, chunk.id.as_ref());
        reply.created = reply.created.or(chunk.created);
        keep_first(&mut reply.model, chunk.model.as_ref());
        keep_last(&mut reply.usage, chunk.usage.as_deref());
        keep_last(
            &mut reply.system_fingerprint,
            chunk.system_fingerprint.as_ref(),
        );
        // What stands at the top is the whole of it each time that it is told.
        for (name, value) in chunk.extra.iter() {
            match (name.as_str(), value) {
                (_, Value::Null) => {}
                // Whatever it is, as a plain reply would have read it.
                ("data" | IMAGES, data) => reply.data.extend(pictures(data).unwrap_or_default()),
                _ if reply.extra.get(name) == Some(value) => {}
                _ => {
                    reply.extra.insert(name.clone(), value.clone());
                }
            }
        }
        for choice in &chunk.choices {
            let calls = self.calls.entry(choice.index).or_default();
            add_choice(&mut reply.choices, calls, choice);
        }
    }

    /// The error that ended an answer, where no chunk before the last one told it.
    pub(crate) fn failure(&self) -> Option<ApiError> {
        self.reply.as_ref()?.failure()
    }

    /// What there is so far, or `None` before the first chunk. Leaves nothing.
    pub(crate) fn take(&mut self) -> Option<ChatReply> {
        self.reply.take()
    }
}

/// One picture of a message, beside its content.
const IMAGE: &str = "image";

#[inline]
fn keep_first<T: Clone>(known: &mut Option<T>, told: Option<&T>) {
    if known.is_none() {
        *known = told.cloned();
    }
}

#[inline]
fn keep_last<T: Clone + PartialEq>(known: &mut Option<T>, told: Option<&T>) {
    if told.is_some() && known.as_ref() != told {
        *known = told.cloned();
    }
}

#[inline]
fn add_choice(choices: &mut Vec<Choice>, calls: &mut ToolCalls, chunk: &ChunkChoice) {
    let place = choices.partition_point(|choice| choice.index < chunk.index);
    if choices
        .get(place)
        .is_none_or(|choice| choice.index != chunk.index)
    {
        choices.insert(
            place,
            Choice {
                index: chunk.index,
                ..Choice::default()
            },
        );
    }
    let Some(choice) = choices.get_mut(place) else {
        return;
    };
    keep_last(&mut choice.finish_reason, chunk.finish_reason.as_ref());
    append_extra(&mut choice.extra, &chunk.extra);
    let message = &mut choice.message;
    keep_first(&mut message.role, chunk.delta.role.as_ref());
    match (&mut message.content, &chunk.delta.content) {
        (Some(Content::Text(text)), Some(Content::Text(more))) => text.push_str(more),
        (Some(content), Some(more)) => content.append(more.clone()),
        (content @ None, more) => content.clone_from(more),
        (Some(_), None) => {}
    }
    for picture in &chunk.delta.images {
        add_picture(&mut message.images, picture.clone());
    }
    for piece in &chunk.delta.tool_calls {
        calls.add(&mut message.tool_calls, piece.clone());
    }
    append_extra(&mut message.extra, &chunk.delta.extra);
    // Each is a picture of its own, so that it is not replaced by the next.
    for picture in pictures_in(&chunk.delta.extra, &[IMAGE]) {
        message.extra.remove(IMAGE);
        add_picture(&mut message.images, picture);
    }
}

/// Adds a picture, or the next piece of one: of that with the same index where the piece has one,
/// of the last where it has none.
#[inline]
fn add_picture(pictures: &mut Vec<Picture>, Picture(mut more): Picture) {
    let begun = match more.get("index").cloned() {
        Some(index) => pictures
            .iter_mut()
            .rfind(|Picture(known)| known.get("index") == Some(&index)),
        None => pictures.last_mut(),
    };
    if let Some(Picture(begun)) = begun
        && extend_picture(begun, &mut more)
    {
        return;
    }
    pictures.push(Picture(more));
}

/// Adds to a picture the base64 of a piece that can only be more of it, and says whether it did.
#[inline]
pub(super) fn extend_picture(begun: &mut Json, more: &mut Json) -> bool {
    if let Some(piece) = picture_text(more)
        && is_continuation(piece)
        && let Some(text) = picture_text(begun)
    {
        text.push_str(piece);
        return true;
    }
    false
}

/// Fields that are not modelled go together as deltas do: lists grow, objects grow by their fields,
/// texts that are told in pieces grow, and the rest is replaced.
#[inline]
pub(super) fn append_extra(extra: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (name, value) in more {
        match (extra.get_mut(name), value) {
            (Some(Value::String(text)), Value::String(more))
                if TOLD_IN_PIECES.contains(&name.as_str()) =>
            {
                text.push_str(more);
            }
            // A token that a gateway took for a boolean.
            (Some(Value::String(text)), Value::Bool(more))
                if TOLD_IN_PIECES.contains(&name.as_str()) =>
            {
                text.push_str(if *more { "true" } else { "false" });
            }
            (Some(Value::Array(items)), Value::Array(more)) => items.extend_from_slice(more),
            (Some(Value::Object(fields)), Value::Object(more)) => append_extra(fields, more),
            (Some(_), Value::Null) => {}
            (Some(known), value) => known.clone_from(value),
            (None, value) => {
                extra.insert(name.clone(), value.clone());
            }
        }
    }
}

const TOLD_IN_PIECES: &[&str] = &[
    "arguments",
    "content",
    "data",
    "reasoning",
    "reasoning_content",
    "refusal",
    "text",
    "thinking",
    "transcript",
];
