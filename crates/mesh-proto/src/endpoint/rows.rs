//! Replies that are lists of rows, of which none hides another.

use bytes::Bytes;
use serde_core::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::document::parse;
use crate::error::{ApiError, DecodeError, excerpt};
use crate::models::OddRow;

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

/// A list, bare or under the first of `names` that holds one, and what stood beside it.
///
/// Errors where there is none: with the error that the document is, if it is one.
#[inline]
pub(super) fn list(
    body: &Bytes,
    names: &[&str],
) -> Result<(Vec<Value>, Map<String, Value>), DecodeError> {
    let mut document: Map<String, Value> = match parse(body)? {
        Value::Array(rows) => return Ok((rows, Map::new())),
        Value::Object(document) => document,
        _ => Map::new(),
    };
    let name = names
        .iter()
        .find(|name| document.get(**name).is_some_and(Value::is_array));
    match name.and_then(|name| document.remove(*name)) {
        // No rows beside an error are no list.
        Some(Value::Array(rows)) => match ApiError::in_band(&document) {
            Some(error) if rows.is_empty() => Err(error.into()),
            _ => Ok((rows, document)),
        },
        _ => Err(no_list(body, &document)),
    }
}

pub(super) fn no_list(body: &[u8], document: &Map<String, Value>) -> DecodeError {
    match ApiError::in_band(document) {
        Some(error) => error.into(),
        None => DecodeError::Json {
            reason: "no list".to_owned(),
            excerpt: excerpt(body),
        },
    }
}
