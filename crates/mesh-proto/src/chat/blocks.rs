//! Blocks of reasoning that arrive in pieces. A signed block is only accepted on the next turn if
//! its signature stands in one block with the whole text that it signs.

use serde_json::{Map, Value};

use crate::wire::weight::{self, Weight};

/// The fields of a message that list blocks: those of `OpenRouter` and of `LiteLLM`.
const LISTS: &[&str] = &["reasoning_details", "thinking_blocks"];

/// The fields of a block that grow from piece to piece.
const TEXTS: &[&str] = &["text", "thinking", "summary", "reasoning"];

/// What closes a block.
const SIGNATURES: &[&str] = &["signature", "encrypted_content"];

/// How many of the last blocks a piece with an index is looked for in.
const OPEN: usize = 64;

/// Whether a field of a message lists blocks.
pub(super) fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// Whether a part of a message's content is a block.
pub(super) fn is_block(part: &Map<String, Value>) -> bool {
    kind(part).is_some_and(|kind| {
        kind == "thinking" || kind == "reasoning" || kind.starts_with("reasoning.")
    })
}

/// Adds the pieces that one chunk lists. A piece with an index continues the block with that index;
/// of the others, only the first one can continue the last block, as the next ones are listed apart.
pub(super) fn append(blocks: &mut Vec<Value>, pieces: &Value, weight: &mut Weight) {
    let pieces = match pieces {
        Value::Array(pieces) => pieces.as_slice(),
        Value::Null => &[],
        single => std::slice::from_ref(single),
    };
    for (position, piece) in pieces.iter().enumerate() {
        let begun = match piece {
            Value::Object(piece) => begun(blocks, piece, position).map(|block| (block, piece)),
            _ => None,
        };
        match begun {
            Some((block, piece)) => merge(block, piece, weight),
            None => {
                weight.add(weight::ITEM.saturating_add(weight::of_value(piece)));
                blocks.push(piece.clone());
            }
        }
    }
}

/// The block that a piece continues.
fn begun<'b>(
    blocks: &'b mut [Value],
    piece: &Map<String, Value>,
    position: usize,
) -> Option<&'b mut Map<String, Value>> {
    let mut objects = blocks.iter_mut().rev().take(OPEN).map(Value::as_object_mut);
    let block = match value(piece, "index") {
        Some(index) => objects
            .flatten()
            .find(|block| value(block, "index") == Some(index) && has_same(block, piece, "type")),
        None if position == 0 => objects.next().flatten(),
        None => None,
    };
    block.filter(|block| continues(block, piece))
}

/// Whether a piece continues a block: it is one of the same kind, index and id, and the block is not
/// signed.
pub(super) fn continues(block: &Map<String, Value>, piece: &Map<String, Value>) -> bool {
    let is_text =
        |object| value(object, "data").is_none() && kind(object) != Some("redacted_thinking");
    let same = ["type", "index", "id", "format"];
    is_text(block)
        && is_text(piece)
        && same.iter().all(|name| has_same(block, piece, name))
        && SIGNATURES.iter().all(|name| value(block, name).is_none())
}

/// Adds a piece to its block.
pub(super) fn merge(
    block: &mut Map<String, Value>,
    piece: &Map<String, Value>,
    weight: &mut Weight,
) {
    for (name, more) in piece {
        match (block.get_mut(name), more) {
            (Some(Value::String(text)), Value::String(more)) if TEXTS.contains(&name.as_str()) => {
                weight.add(more.len());
                text.push_str(more);
            }
            (Some(Value::Array(items)), Value::Array(more)) => append_items(items, more, weight),
            (Some(_), Value::Null) => {}
            (Some(Value::String(known)), Value::String(more))
                if more.is_empty() && !known.is_empty() => {}
            (Some(known), more) => {
                weight.replace(known, more);
                known.clone_from(more);
            }
            (None, more) => {
                let field = name.len().saturating_add(weight::of_value(more));
                weight.add(field.saturating_add(weight::FIELD));
                block.insert(name.clone(), more.clone());
            }
        }
    }
}

/// Adds the items of a block, as Mistral's has them: a text goes on where the last one ended.
fn append_items(items: &mut Vec<Value>, more: &[Value], weight: &mut Weight) {
    for (position, item) in more.iter().enumerate() {
        if position == 0
            && let Some(text) = items.last_mut().and_then(mere_text_mut)
            && let Some(more) = mere_text(item)
        {
            weight.add(more.len());
            text.push_str(more);
        } else {
            weight.add(weight::ITEM.saturating_add(weight::of_value(item)));
            items.push(item.clone());
        }
    }
}

/// The text of an item that is `{"type":"text","text":…}` and nothing else.
fn mere_text(item: &Value) -> Option<&str> {
    let item = item.as_object()?;
    let is_mere = item.len() == 2 && kind(item) == Some("text");
    item.get("text").filter(|_| is_mere)?.as_str()
}

fn mere_text_mut(item: &mut Value) -> Option<&mut String> {
    mere_text(item)?;
    match item.get_mut("text") {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn kind(object: &Map<String, Value>) -> Option<&str> {
    object.get("type").and_then(Value::as_str)
}

/// The value of a field, unless it is null or an empty text.
fn value<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    object
        .get(name)
        .filter(|value| !value.is_null() && value.as_str() != Some(""))
}

/// Whether a field is the same in both objects, or missing in one of them.
fn has_same(block: &Map<String, Value>, piece: &Map<String, Value>, name: &str) -> bool {
    match (value(block, name), value(piece, name)) {
        (Some(block), Some(piece)) => block == piece,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
