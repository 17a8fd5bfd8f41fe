//! One choice of a streamed reply.

use std::borrow::Cow;

use super::assembly::{add_picture, append_extra, is_told_in_pieces, keep_first, keep_last};
use super::chunk::{ChunkChoice, MESSAGE, Origin};
use super::content::Content;
use super::reply::{Choice, pictures_in};
use super::tool_calls::ToolCalls;
use crate::error::End;
use crate::wire::Extra;
use crate::wire::weight::Weight;

/// A choice in the making.
#[derive(Debug, Default)]
pub(super) struct StreamedChoice {
    /// The choice without its tool calls.
    choice: Choice,
    calls: ToolCalls,
    /// Whether anything of it was received as a delta: a message is the whole of it then.
    has_deltas: bool,
}

/// One picture of a message, beside its content.
const IMAGE: &str = "image";

impl StreamedChoice {
    /// What a choice takes that says nothing.
    pub(super) const WEIGHT: usize = 2 * size_of::<Self>();

    pub(super) fn new(index: u64) -> Self {
        let mut new = Self::default();
        new.choice.index = index;
        new
    }

    pub(super) fn into_choice(self) -> Choice {
        let mut choice = self.choice;
        choice.message.tool_calls = self.calls.into_calls();
        choice
    }

    /// Whether it has its finish reason.
    pub(super) fn is_finished(&self) -> bool {
        self.choice.finish_reason.is_some()
    }

    /// How it ended, if it did.
    pub(super) fn end(&self) -> End<'_> {
        self.choice.end()
    }

    /// Adds what is new in a chunk, and removes from it what repeats an earlier one.
    pub(super) fn add(&mut self, chunk: &mut ChunkChoice, weight: &mut Weight) {
        if chunk.origin == Origin::Delta {
            self.has_deltas |= !chunk.delta.is_blank();
        } else {
            self.remove_known(chunk);
        }
        let reason = chunk.finish_reason.as_ref();
        keep_last(
            &mut self.choice.finish_reason,
            reason.filter(|it| it.is_given()),
        );
        match (&mut self.choice.logprobs, &chunk.logprobs) {
            (Some(known), Some(more)) => known.append(more, weight),
            (known @ None, Some(more)) => {
                weight.add(more.weight());
                *known = Some(more.clone());
            }
            (_, None) => {}
        }
        // A message beside a delta is the whole so far.
        let extra = without(&chunk.extra, MESSAGE);
        append_extra(&mut self.choice.extra, &extra, weight);
        let message = &mut self.choice.message;
        keep_first(&mut message.role, chunk.delta.role.as_ref());
        match (&mut message.content, &chunk.delta.content) {
            (Some(Content::Text(text)), Some(Content::Text(more))) => {
                weight.add(more.len());
                text.push_str(more);
            }
            (Some(content), Some(more)) => content.append(more.clone(), weight),
            (content @ None, Some(more)) => {
                weight.add(more.weight());
                *content = Some(more.clone());
            }
            (_, None) => {}
        }
        for picture in &chunk.delta.images {
            add_picture(&mut message.images, picture.clone(), weight);
        }
        for piece in &chunk.delta.tool_calls {
            self.calls.add(piece, weight);
        }
        // Each is a picture of its own, so that it is not replaced by the next.
        let pictures = pictures_in(&chunk.delta.extra, &[IMAGE]);
        let extra = if pictures.is_empty() {
            Cow::Borrowed(&chunk.delta.extra)
        } else {
            without(&chunk.delta.extra, IMAGE)
        };
        append_extra(&mut message.extra, &extra, weight);
        for picture in pictures {
            add_picture(&mut message.images, picture, weight);
        }
    }

    /// Removes from a message what was received before: some gateways send the whole of it each
    /// time, or once more at the end.
    fn remove_known(&mut self, chunk: &mut ChunkChoice) {
        let message = &self.choice.message;
        let delta = &mut chunk.delta;
        let mut is_whole = self.has_deltas;
        match (&message.content, &mut delta.content) {
            (Some(Content::Text(known)), Some(Content::Text(text))) => {
                is_whole |= remove_known_text(known, text, self.has_deltas);
            }
            (Some(known), more @ Some(_)) if self.has_deltas && !known.is_empty() => *more = None,
            _ => {}
        }
        let is_known = |name: &str| message.extra.get(name).filter(|known| !known.is_null());
        for (name, value) in delta.extra.iter_mut() {
            if let (true, Some(known), Some(text)) = (
                is_told_in_pieces(name),
                is_known(name).and_then(|known| known.as_str()),
                value.as_str(),
            ) {
                let mut text = text.to_owned();
                is_whole |= remove_known_text(known, &mut text, self.has_deltas);
                *value = text.into();
            }
        }
        delta.tool_calls.retain_mut(|piece| {
            let id = piece.call.id.as_deref().filter(|id| !id.is_empty());
            let known = id.and_then(|id| self.calls.with_id(id));
            let known = known.map(|known| known.function.arguments.as_str());
            let arguments = &mut piece.call.function.arguments;
            match known {
                Some(known) if !known.is_empty() && arguments.starts_with(known) => {
                    arguments.drain(..known.len());
                    !arguments.is_empty()
                }
                known => !(self.has_deltas && (known.is_some() || !self.calls.is_empty())),
            }
        });
        if is_whole {
            if !message.images.is_empty() {
                delta.images.clear();
            }
            let names: Vec<_> = delta.extra.keys().cloned().collect();
            for name in names {
                if !is_told_in_pieces(&name) && is_known(&name).is_some() {
                    delta.extra.remove(&name);
                }
            }
        }
        // What is left is what is new.
        chunk.origin = Origin::Delta;
    }
}

/// The fields but one.
fn without<'e>(extra: &'e Extra, name: &str) -> Cow<'e, Extra> {
    if !extra.contains_key(name) {
        return Cow::Borrowed(extra);
    }
    let mut rest = extra.clone();
    rest.remove(name);
    Cow::Owned(rest)
}

/// Removes from a text the part that is known, and returns whether it is the whole so far. After
/// deltas it is; without them it has to go on from what is known, and that has to be more than
/// pieces that happen to be alike.
fn remove_known_text(known: &str, text: &mut String, has_deltas: bool) -> bool {
    const LONG: usize = 8;
    if known.is_empty() {
        return false;
    }
    let is_plain =
        known.len() >= LONG || (text.len() > known.len() && known.chars().any(char::is_alphabetic));
    if text.starts_with(known) && (has_deltas || is_plain) {
        text.drain(..known.len());
        return true;
    }
    if has_deltas {
        text.clear();
    }
    has_deltas
}
