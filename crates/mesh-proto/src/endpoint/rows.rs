//! Replies that are lists of rows, of which none hides another.

use bytes::Bytes;
use serde_core::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::document::parse_within;
use crate::error::{DecodeError, Found, Success};
use crate::excerpt::excerpt;
use crate::row::OddRow;
use crate::wire::weight;

/// The field that a row is none without.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) missing: &'static str,
    pub(super) odd: &'static str,
}

pub(super) const ID: Key = Key {
    name: "id",
    missing: "it has no id",
    odd: "its id is empty or no text",
};

/// The rows of a list, and those that could not be read.
pub(super) fn read<T: DeserializeOwned>(rows: Vec<Value>, key: Key) -> (Vec<T>, Vec<OddRow>) {
    let mut read = Vec::with_capacity(rows.len());
    let mut odd = Vec::new();
    for (place, row) in rows.into_iter().enumerate() {
        let reason = oddity(&row, key);
        match serde_json::from_value(row) {
            Ok(row) => read.push(row),
            Err(_) => odd.push(OddRow { place, reason }),
        }
    }
    (read, odd)
}

/// What is odd about a row, if it is.
pub(super) fn oddity(row: &Value, key: Key) -> &'static str {
    match row {
        Value::Object(row) if row.contains_key(key.name) => key.odd,
        Value::Object(_) => key.missing,
        _ => "it is no object",
    }
}

/// A list, bare or under the first of `names` that holds one, and what stood beside it. Null counts
/// as an empty list: gateways in Go write one so.
///
/// Errors where there is none: with the error that the document is, if it is one.
pub(super) fn list(
    body: &Bytes,
    names: &[&str],
) -> Result<(Vec<Value>, Map<String, Value>), DecodeError> {
    let mut document: Map<String, Value> = match parse_within(body, weight::ROWS)? {
        Value::Array(rows) => return Ok((rows, Map::new())),
        Value::Null => return Ok((Vec::new(), Map::new())),
        Value::Object(document) => document,
        _ => Map::new(),
    };
    let is = |is: fn(&Value) -> bool| {
        let mut names = names.iter();
        names.find(|name| document.get(**name).is_some_and(is))
    };
    let name = is(Value::is_array).or_else(|| is(Value::is_null));
    match name.and_then(|name| document.remove(*name)) {
        // No rows beside an error are no list.
        Some(Value::Array(rows)) => {
            let found = if rows.is_empty() {
                Found::Part
            } else {
                Found::Whole
            };
            unless_error(&document, found)?;
            Ok((rows, document))
        }
        // As a failure has no list, one that is null may have any words beside it.
        Some(Value::Null) => {
            unless_error(&document, Found::Blank)?;
            Ok((Vec::new(), document))
        }
        _ => Err(no_list(body, &document)),
    }
}

/// Fails with the error that a document is, if it is one.
pub(super) fn unless_error(document: &Map<String, Value>, found: Found) -> Result<(), DecodeError> {
    let error = Success::of(document, found).error();
    error.map_or(Ok(()), |error| Err(error.into()))
}

pub(super) fn no_list(body: &[u8], document: &Map<String, Value>) -> DecodeError {
    let error = unless_error(document, Found::Part).err();
    error.unwrap_or_else(|| DecodeError::Json {
        reason: "no list".to_owned(),
        excerpt: excerpt(body),
    })
}
