//! How much of the heap values take, in bytes: estimated, and rather too much than too little.

use serde_json::{Map, Value};

use super::Json;

/// A count of bytes that never overflows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weight(usize);

impl Weight {
    /// Adds bytes that are kept from now on.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// Adds a value that replaces another one.
    pub(crate) fn replace(&mut self, known: &Value, value: &Value) {
        self.0 = self.0.saturating_sub(of_value(known));
        self.add(of_value(value));
    }

    /// The bytes.
    pub(crate) fn bytes(self) -> usize {
        self.0
    }
}

/// Sets a field to a value, and counts what it adds.
pub(crate) fn set(fields: &mut Map<String, Value>, name: &str, value: &Value, weight: &mut Weight) {
    match fields.get_mut(name) {
        Some(known) if known == value => {}
        Some(known) => {
            weight.replace(known, value);
            known.clone_from(value);
        }
        None => {
            let field = name.len().saturating_add(of_value(value));
            weight.add(field.saturating_add(FIELD));
            fields.insert(name.to_owned(), value.clone());
        }
    }
}

/// What an object with a field takes before its names and values: a node of its map, which has room
/// for [`NODE_FIELDS`] fields.
pub(crate) const OBJECT: usize = 640;

/// How many fields the first node of a map has room for.
const NODE_FIELDS: usize = 11;

/// What each further field of an object takes, in a node that may be half full.
pub(crate) const FIELD: usize = 112;

/// What an item of a list takes, in a list that has just grown to twice its length.
pub(crate) const ITEM: usize = 80;

/// What a value takes beyond its own place.
pub(crate) fn of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => of_items(items),
        Value::Object(fields) => of_fields(fields),
    }
}

/// What the items of a list take.
pub(crate) fn of_items(items: &[Value]) -> usize {
    let within = items.iter().map(of_value);
    within.fold(items.len().saturating_mul(ITEM), usize::saturating_add)
}

/// What the fields of an object take.
pub(crate) fn of_fields(fields: &Map<String, Value>) -> usize {
    if fields.is_empty() {
        return 0;
    }
    let further = fields.len().saturating_sub(NODE_FIELDS);
    let nodes = further.saturating_mul(FIELD).saturating_add(OBJECT);
    let within = fields
        .iter()
        .map(|(name, value)| name.len().saturating_add(of_value(value)));
    within.fold(nodes, usize::saturating_add)
}

/// The same for our own value.
pub(crate) fn of_json(json: &Json) -> usize {
    // A list of fields begins with room for four.
    const FEWEST: usize = 4;
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        Json::Text(text) => text.len(),
        Json::List(items) => {
            let places = items.len().saturating_mul(ITEM);
            items
                .iter()
                .map(of_json)
                .fold(places, usize::saturating_add)
        }
        Json::Object(fields) => {
            let places = fields.len().max(FEWEST).saturating_mul(FIELD);
            let within = fields
                .iter()
                .map(|(name, value)| name.len().saturating_add(of_json(value)));
            within.fold(places, usize::saturating_add)
        }
    }
}

/// How much JSON may take once it is read, and what of it its reader keeps as text.
#[derive(Clone, Copy)]
pub(crate) struct Allowance {
    /// How many times its length it may take, whatever it is.
    strict: usize,
    /// The same up to [`MOST`]: for items that say something, though they are short.
    generous: usize,
    /// The containers around the lists that are kept as text, from the outermost.
    texts: &'static [Level],
}

/// What any JSON may take once it is read, however short it is: 4 MiB.
const ALWAYS: usize = 4 << 20;

/// What JSON of short items may take once it is read, however long it is: 256 MiB.
const MOST: usize = 256 << 20;

/// A list of rows. A short row of a real one has four fields and 80 bytes.
pub(crate) const ROWS: Allowance = Allowance {
    strict: 11,
    generous: 22,
    texts: &[],
};

/// The catalogue, whose rows are read one by one. The shortest real row is an object with an id of
/// 12 characters.
pub(crate) const CATALOGUE: Allowance = Allowance {
    generous: 72,
    ..ROWS
};

/// What is looked through for an error.
pub(crate) const ENVELOPE: Allowance = Allowance {
    strict: 7,
    generous: 0,
    texts: &[],
};

/// Replies and chunks, which may be there twice while they are assembled.
pub(crate) const REPLY: Allowance = Allowance {
    strict: 7,
    generous: 30,
    texts: &[],
};

/// Replies and chunks of chat, which keep the lists of `logprobs` as text.
pub(crate) const CHAT: Allowance = Allowance {
    texts: &[
        Level::Object,
        Level::ListIn("choices"),
        Level::Object,
        Level::ObjectIn("logprobs"),
        Level::List,
    ],
    ..REPLY
};

/// A container, and the name of the field that it stands in where that matters.
#[derive(Clone, Copy)]
enum Level {
    Object,
    List,
    ObjectIn(&'static str),
    ListIn(&'static str),
}

impl Level {
    fn is(self, opening: u8, name: &[u8]) -> bool {
        match self {
            Self::Object => opening == b'{',
            Self::List => opening == b'[',
            Self::ObjectIn(of) => opening == b'{' && name == of.as_bytes(),
            Self::ListIn(of) => opening == b'[' && name == of.as_bytes(),
        }
    }
}

/// The most that an object may take together with its place: as the item of a typed list, and as
/// the map that it was read from.
const TYPED: usize = 1408;

/// The most that a byte of JSON may take: `{},`.
const DENSEST: usize = (TYPED + ITEM) / 3 + 1;

/// What a number takes as an item. Long lists of numbers are legitimate, such as the ids of tokens.
const NUMBER: usize = ITEM / 2;

/// How many times their length items may take, apart from what makes objects of them, if they say
/// something.
const ITEMS: usize = 12;

/// Whether JSON takes far more than its length once it is read, which lists of very short items do.
/// Returns the limit that it would pass, in bytes.
pub(crate) fn exceeded(json: &[u8], allowance: Allowance) -> Option<usize> {
    if json.len() <= ALWAYS / DENSEST {
        return None;
    }
    let (objects, items) = estimate(json, allowance.texts);
    let weight = objects.saturating_add(items);
    let times = |ratio: usize| json.len().saturating_mul(ratio);
    let limit = times(allowance.strict).max(ALWAYS);
    let is_dense = items > times(ITEMS) || weight > times(allowance.generous).min(MOST);
    (weight > limit && is_dense).then_some(limit)
}

/// What the objects and the items of JSON take, without those in lists that are kept as text.
fn estimate(json: &[u8], texts: &[Level]) -> (usize, usize) {
    let (mut objects, mut items) = (0_usize, 0_usize);
    // How many containers are open, and how many of them, from the outermost, are as in `texts`.
    let (mut depth, mut matched) = (0_usize, 0_usize);
    let (mut text, mut name): (&[u8], &[u8]) = (&[], &[]);
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        at += 1;
        let is_kept = !texts.is_empty() && matched == texts.len();
        match byte {
            b'"' => {
                let end = end_of_text(json, at);
                text = json.get(at..end.saturating_sub(1)).unwrap_or_default();
                at = end;
            }
            b':' => name = text,
            b'{' | b'[' => {
                let level = texts.get(matched).filter(|_| matched == depth);
                if level.is_some_and(|level| level.is(*byte, name)) {
                    matched += 1;
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                matched = matched.min(depth);
            }
            _ => {}
        }
        match byte {
            b'{' if !is_kept => objects = objects.saturating_add(TYPED),
            b'[' | b',' if !is_kept => {
                let next = json.get(at..).unwrap_or_default().trim_ascii_start();
                let is_number = next.first().is_some_and(|it| b"-0123456789".contains(it));
                items = items.saturating_add(if is_number { NUMBER } else { ITEM });
            }
            _ => {}
        }
    }
    (objects, items)
}

/// Where the text that begins at `at` ends.
fn end_of_text(json: &[u8], mut at: usize) -> usize {
    while let Some(next) = json
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += next;
        match json.get(at) {
            Some(b'"') => return at + 1,
            _ => at += 2,
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_within_logprobs_of_choices_alone_weigh_nothing() {
        let item = "[{},[1,2],{\"a\":[null]}]";
        for (before, after, is_text) in [
            ("{\"choices\":[{\"logprobs\":{\"content\":", "}}]}", true),
            (
                "{ \"a\" : [{}], \"choices\" : [ 1, {\"b\":[], \"logprobs\" : {\"a\":0,\"b\" : ",
                "}}]}",
                true,
            ),
            ("{\"choices\":[{\"logprobs\":", "}]}", false),
            ("{\"choices\":[{\"logprobs\":{\"a\":{\"b\":", "}}}]}", false),
            ("{\"choices\":[{\"x\":{\"logprobs\":{\"a\":", "}}}]}", false),
            (
                "{\"choices\":[{\"logprobs\":{\"a\":[1]},\"b\":",
                "}]}",
                false,
            ),
            (
                "{\"choices\":[{\"a\":\"logprobs\",\"b\":{\"c\":",
                "}}]}",
                false,
            ),
            ("{\"data\":[{\"logprobs\":{\"a\":", "}}]}", false),
            ("[{\"choices\":[{\"logprobs\":{\"a\":", "}}]}]", false),
        ] {
            let weigh = |list: &str| {
                let json = [before, list, after].concat();
                let (objects, items) = estimate(json.as_bytes(), CHAT.texts);
                objects + items
            };
            assert_eq!(weigh(item) == weigh("[]"), is_text, "{before}");
        }
    }
}
