//! Tool calls that arrive in pieces, put together.

use std::collections::BTreeMap;

use super::assembly::append_extra;
use super::tools::{ToolCall, ToolCallDelta, ToolKind};
use crate::wire::weight::Weight;

/// Puts the tool calls of one message together ([protocol reference, section 4.3](crate::protocol#43-streams)).
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: Vec<ToolCall>,
    /// How far the arguments of each call have been read.
    arguments: Vec<Arguments>,
    /// The latest call under each index.
    by_index: BTreeMap<u64, usize>,
    /// The first call with each id that is not empty.
    by_id: BTreeMap<String, usize>,
    current: usize,
}

impl ToolCalls {
    /// Adds a piece to its call, or opens one.
    pub(super) fn add(&mut self, piece: &ToolCallDelta, weight: &mut Weight) {
        let place = self.find(piece).unwrap_or_else(|| {
            weight.add(CALL);
            self.calls.push(ToolCall::default());
            self.arguments.push(Arguments::default());
            self.calls.len() - 1
        });
        self.current = place;
        if let Some(index) = piece.index {
            self.by_index.insert(index, place);
        }
        if let Some(id) = id_of(&piece.call)
            && !self.by_id.contains_key(id)
        {
            weight.add(2 * id.len());
            self.by_id.insert(id.to_owned(), place);
        }
        let (Some(whole), Some(read)) = (self.calls.get_mut(place), self.arguments.get_mut(place))
        else {
            return;
        };
        let call = &piece.call;
        // Some gateways open a call with an empty id and send the real one later.
        if id_of(whole).is_none() && call.id.is_some() {
            whole.id.clone_from(&call.id);
        }
        if call.kind != ToolKind::Function {
            whole.kind = call.kind.clone();
        }
        if whole.function.name != call.function.name {
            weight.add(call.function.name.len());
            whole.function.name.push_str(&call.function.name);
        }
        let more = &call.function.arguments;
        // Some gateways open a call with an empty object and send the real arguments later.
        if read.is_empty_object() && !more.trim().is_empty() {
            whole.function.arguments.clear();
            *read = Arguments::default();
        }
        weight.add(more.len());
        whole.function.arguments.push_str(more);
        read.push(more);
        append_extra(&mut whole.function.extra, &call.function.extra, weight);
        append_extra(&mut whole.extra, &call.extra, weight);
    }

    /// The assembled calls.
    pub(super) fn into_calls(self) -> Vec<ToolCall> {
        self.calls
    }

    /// Whether no call has been opened.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The call with this id.
    pub(super) fn with_id(&self, id: &str) -> Option<&ToolCall> {
        self.calls.get(*self.by_id.get(id)?)
    }

    /// The call that a piece continues, or `None` if it opens one.
    fn find(&self, piece: &ToolCallDelta) -> Option<usize> {
        let under = |index| self.by_index.get(&index).copied();
        let current = || (!self.calls.is_empty()).then_some(self.current);
        match (piece.index, id_of(&piece.call)) {
            (Some(index), Some(id)) => {
                let place = under(index)?;
                match id_of(self.calls.get(place)?) {
                    Some(known) if known == id => Some(place),
                    // Several calls under one index. An id that is known continues its call.
                    Some(_) => self.by_id.get(id).copied(),
                    None => Some(place).filter(|place| self.takes_id(*place, &piece.call)),
                }
            }
            (Some(index), None) => {
                under(index).filter(|place| !self.is_followed_by(*place, &piece.call))
            }
            (None, Some(id)) => self.by_id.get(id).copied().or_else(|| {
                current().filter(|place| {
                    self.calls.get(*place).is_some_and(|it| id_of(it).is_none())
                        && self.takes_id(*place, &piece.call)
                })
            }),
            (None, None) => current().filter(|place| {
                piece.call.function.name.is_empty() || !self.read(*place).is_whole()
            }),
        }
    }

    /// Whether a piece with an id continues the call at `place`, which has none.
    fn takes_id(&self, place: usize, piece: &ToolCall) -> bool {
        let Some(known) = self.calls.get(place) else {
            return false;
        };
        let (name, more) = (&piece.function.name, &piece.function.arguments);
        let read = self.read(place);
        if name.is_empty() {
            return !read.is_whole() || more.is_empty() || read.is_empty_object();
        }
        let is_same = known.function.name.is_empty() || known.function.name == *name;
        is_same && (!read.is_whole() || (read.is_empty_object() && !more.is_empty()))
    }

    /// Whether a piece without an id, under the index of the call at `place`, opens another call:
    /// its name says so once the arguments of that call are whole.
    fn is_followed_by(&self, place: usize, piece: &ToolCall) -> bool {
        let name = &piece.function.name;
        let read = self.read(place);
        if name.is_empty() || !read.is_whole() {
            return false;
        }
        let known = self.calls.get(place).map(|it| it.function.name.as_str());
        known != Some(name) || (!piece.function.arguments.is_empty() && !read.is_empty_object())
    }

    fn read(&self, place: usize) -> Arguments {
        self.arguments.get(place).copied().unwrap_or_default()
    }
}

/// What a call takes that says nothing, with its places in the maps.
const CALL: usize = 2 * (size_of::<ToolCall>() + size_of::<Arguments>()) + 256;

/// The id of a call; an empty one is none.
fn id_of(call: &ToolCall) -> Option<&str> {
    call.id.as_deref().filter(|id| !id.is_empty())
}

/// How far the arguments of a call have been read, so that their end is known without reading them
/// again.
#[derive(Clone, Copy, Debug, Default)]
struct Arguments {
    depth: usize,
    string: Within,
    /// How many characters there are beside white space.
    length: usize,
    /// Whether an object, a list or a text has begun.
    has_begun: bool,
    /// Whether there is anything but braces.
    has_more: bool,
}

/// Where in a string the arguments end so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Nothing,
    String,
    /// Behind a backslash.
    Escape,
}

impl Arguments {
    fn push(&mut self, more: &str) {
        for byte in more.bytes() {
            match self.string {
                Within::Nothing => {}
                Within::Escape => {
                    self.string = Within::String;
                    continue;
                }
                Within::String => {
                    self.string = match byte {
                        b'"' => Within::Nothing,
                        b'\\' => Within::Escape,
                        _ => Within::String,
                    };
                    continue;
                }
            }
            if byte.is_ascii_whitespace() {
                continue;
            }
            self.length = self.length.saturating_add(1);
            self.has_more |= !matches!(byte, b'{' | b'}');
            self.has_begun |= matches!(byte, b'"' | b'{' | b'[');
            match byte {
                b'"' => self.string = Within::String,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Whether they are one JSON value that has ended.
    fn is_whole(self) -> bool {
        self.has_begun && self.depth == 0 && self.string == Within::Nothing
    }

    /// Whether they are `{}`.
    fn is_empty_object(self) -> bool {
        self.is_whole() && self.length == 2 && !self.has_more
    }
}

#[cfg(test)]
mod tests;
