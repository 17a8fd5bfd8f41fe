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

/// What any JSON may take once it is read, however short it is: 16 MiB.
const ALWAYS: usize = 16 << 20;

/// How many times its length a list of rows may take beyond that.
pub(crate) const ROWS: usize = 11;

/// The same for replies and chunks, which may be there twice while they are assembled.
pub(crate) const REPLY: usize = 7;

/// The most that an object may take together with its place: as the item of a typed list, and as
/// the map that it was read from.
const TYPED: usize = 1408;

/// The most that a byte of JSON may take: `{},`.
const DENSEST: usize = (TYPED + ITEM) / 3 + 1;

/// Whether JSON takes far more than its length once it is read, which lists of very short items do.
/// Returns the limit that it would pass, in bytes.
pub(crate) fn exceeded(json: &[u8], ratio: usize) -> Option<usize> {
    if json.len() <= ALWAYS / DENSEST {
        return None;
    }
    let limit = json.len().saturating_mul(ratio).max(ALWAYS);
    let (mut weight, mut at) = (0_usize, 0);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_text(json, at),
            b'{' => weight = weight.saturating_add(TYPED),
            b'[' | b',' => weight = weight.saturating_add(ITEM),
            _ => {}
        }
    }
    (weight > limit).then_some(limit)
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
