//! A stream's chunks put together: the reply that a plain call would have got.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::blocks;
use super::chunk::ChatChunk;
use super::reply::{ChatReply, IMAGES, Picture, pictures};
use super::streamed_choice::StreamedChoice;
use crate::error::{ApiError, Found, Success};
use crate::image::{is_continuation, picture_text};
use crate::usage::usage_beside;
use crate::wire::weight::{self, Weight, set};
use crate::wire::{Json, quoted};

/// A reply in the making: see [`Assemble`](crate::endpoint::Assemble).
#[derive(Debug, Default)]
pub struct Assembly {
    /// The reply without its choices.
    reply: Option<ChatReply>,
    /// The choices by their index.
    choices: BTreeMap<u64, StreamedChoice>,
    /// Whether the reply's usage stood in its own place.
    has_usage: bool,
    weight: Weight,
}

impl Assembly {
    /// Reads a chunk, with texts that were written as numbers or booleans.
    pub(crate) fn read(frame: &str) -> Result<ChatChunk, serde_json::Error> {
        serde_json::from_str(quoted(frame).as_deref().unwrap_or(frame))
    }

    /// Adds a chunk, and removes from it what repeats an earlier one. Copies what is new in it, and
    /// nothing that is told again.
    pub(crate) fn add(&mut self, chunk: &mut ChatChunk) {
        let reply = self.reply.get_or_insert_default();
        keep_first(&mut reply.id, chunk.id.as_ref());
        reply.created = reply.created.or(chunk.created);
        keep_first(&mut reply.model, chunk.model.as_ref());
        keep_last(
            &mut reply.system_fingerprint,
            chunk.system_fingerprint.as_ref(),
        );
        self.has_usage |= chunk.usage.is_some();
        keep_last(&mut reply.usage, chunk.usage.as_ref());
        if !self.has_usage {
            let choices = chunk.choices.iter();
            let choices = choices.map(|choice| (&choice.extra, &choice.delta.extra));
            keep_last(
                &mut reply.usage,
                usage_beside(&chunk.extra, choices).as_ref(),
            );
        }
        // What stands at the top is the whole of it each time that it is told.
        for (name, value) in chunk.extra.iter() {
            match (name.as_str(), value) {
                (_, Value::Null) => {}
                // Whatever it is, as a plain reply would have read it.
                ("data" | IMAGES, data) => {
                    for picture in pictures(data).unwrap_or_default() {
                        self.weight.add(picture_weight(&picture));
                        reply.data.push(picture);
                    }
                }
                _ => set(&mut reply.extra, name, value, &mut self.weight),
            }
        }
        for choice in &mut chunk.choices {
            let known = self.choices.entry(choice.index).or_insert_with(|| {
                self.weight.add(StreamedChoice::WEIGHT);
                StreamedChoice::new(choice.index)
            });
            known.add(choice, &mut self.weight);
        }
    }

    /// The error that ended an answer, where no chunk before the last one told it.
    pub(crate) fn failure(&self) -> Option<ApiError> {
        let reply = self.reply.as_ref()?;
        let ends = self.choices.values().map(StreamedChoice::end);
        let answer = Success::of(&reply.extra, Found::Answer);
        answer.with_ends(ends).error()
    }

    /// How much of the heap the reply takes so far, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.weight.bytes()
    }

    /// Whether every choice has its finish reason.
    pub(crate) fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(StreamedChoice::is_finished)
    }

    /// What there is so far, or `None` before the first chunk. Leaves nothing.
    pub(crate) fn take(&mut self) -> Option<ChatReply> {
        let choices = std::mem::take(&mut self.choices);
        self.weight = Weight::default();
        let mut reply = self.reply.take()?;
        reply.choices = choices
            .into_values()
            .map(StreamedChoice::into_choice)
            .collect();
        Some(reply)
    }
}

pub(super) fn keep_first<T: Clone>(known: &mut Option<T>, told: Option<&T>) {
    if known.is_none() {
        *known = told.cloned();
    }
}

pub(super) fn keep_last<T: Clone + PartialEq>(known: &mut Option<T>, told: Option<&T>) {
    if told.is_some() && known.as_ref() != told {
        *known = told.cloned();
    }
}

/// How many of the last pictures a piece with an index is looked for in.
const OPEN: usize = 64;

/// Adds a picture, or the next piece of one: of that with the same index where the piece has one,
/// of the last where it has none.
pub(super) fn add_picture(pictures: &mut Vec<Picture>, picture: Picture, weight: &mut Weight) {
    let whole = picture_weight(&picture);
    let Picture(mut more) = picture;
    let begun = match more.get("index").cloned() {
        Some(index) => pictures
            .iter_mut()
            .rev()
            .take(OPEN)
            .find(|Picture(known)| known.get("index") == Some(&index)),
        None => pictures.last_mut(),
    };
    if let Some(Picture(begun)) = begun
        && extend_picture(begun, &mut more, weight)
    {
        return;
    }
    weight.add(whole);
    pictures.push(Picture(more));
}

/// What a picture takes in a list.
fn picture_weight(picture: &Picture) -> usize {
    weight::ITEM.saturating_add(weight::of_json(&picture.0))
}

/// Adds to a picture the base64 of a piece that can only be more of it, and says whether it did.
pub(super) fn extend_picture(begun: &mut Json, more: &mut Json, weight: &mut Weight) -> bool {
    if let Some(piece) = picture_text(more)
        && is_continuation(piece)
        && let Some(text) = picture_text(begun)
    {
        weight.add(piece.len());
        text.push_str(piece);
        return true;
    }
    false
}

/// Fields that are not modelled go together as deltas do: lists grow, objects grow by their fields,
/// texts that are told in pieces grow, and the rest is replaced.
pub(super) fn append_extra(
    extra: &mut Map<String, Value>,
    more: &Map<String, Value>,
    weight: &mut Weight,
) {
    for (name, value) in more {
        match (extra.get_mut(name), value) {
            (known, value) if blocks::is_list(name) && !value.is_null() => match known {
                Some(Value::Array(known)) => blocks::append(known, value, weight),
                _ => {
                    let mut known = Vec::new();
                    blocks::append(&mut known, value, weight);
                    weight.add(weight::FIELD.saturating_add(name.len()));
                    extra.insert(name.clone(), Value::Array(known));
                }
            },
            (Some(Value::String(text)), Value::String(more)) if is_told_in_pieces(name) => {
                weight.add(more.len());
                text.push_str(more);
            }
            // A token that a gateway took for a boolean.
            (Some(Value::String(text)), Value::Bool(more)) if is_told_in_pieces(name) => {
                let more = if *more { "true" } else { "false" };
                weight.add(more.len());
                text.push_str(more);
            }
            (Some(Value::Array(items)), Value::Array(more)) => {
                weight.add(weight::of_items(more));
                items.extend_from_slice(more);
            }
            (Some(Value::Object(fields)), Value::Object(more)) => {
                append_extra(fields, more, weight);
            }
            (Some(_), Value::Null) => {}
            _ => set(extra, name, value, weight),
        }
    }
}

/// Whether a text of this name goes on from chunk to chunk.
pub(super) fn is_told_in_pieces(name: &str) -> bool {
    TOLD_IN_PIECES.contains(&name)
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
