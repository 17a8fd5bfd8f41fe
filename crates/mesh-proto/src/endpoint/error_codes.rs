//! `GET /v1/errors` ([protocol reference, section 7](crate::protocol#7-errors)).

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Map, Value, json};

use super::document::{DocumentDecoder, parse_within};
use super::rows::{self, Key, no_list, unless_error};
use super::{Endpoint, Replay, json_request};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::error::{DecodeError, Found};
use crate::error_codes::ErrorCodeList;
use crate::head::Head;
use crate::limits::Limits;
use crate::target::Target;
use crate::wire::weight;

/// Asks for the gateway's own catalogue of its error codes.
///
/// The reference names it without a shape, so that any is read: a list of codes or of objects, bare
/// or in an envelope, or an object with a field for each code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListErrorCodes;

impl ListErrorCodes {
    /// All of them.
    pub fn new() -> Self {
        Self
    }
}

const CODE: Key = Key {
    name: "code",
    missing: "it has no code",
    odd: "its code is empty or no text",
};

const ENVELOPES: [&str; 6] = [
    "errors",
    "data",
    "codes",
    "items",
    "error_codes",
    "catalogue",
];

impl Endpoint for ListErrorCodes {
    type Event = Infallible;
    type Output = ErrorCodeList;
    type Decoder = DocumentDecoder<ErrorCodeList>;

    fn replay(&self) -> Replay {
        Replay::Always
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        json_request(
            target,
            Method::GET,
            "/v1/errors",
            "application/json",
            Body::empty(),
        )
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        Ok(DocumentDecoder::new(head, limits, (), |body, ()| {
            let rows = list(&body)?;
            let (codes, odd) = rows::read(rows, CODE);
            Ok(ErrorCodeList { codes, odd })
        }))
    }
}

fn list(body: &Bytes) -> Result<Vec<Value>, DecodeError> {
    let mut document = match parse_within(body, weight::ROWS)? {
        Value::Array(rows) => return Ok(rows.into_iter().map(bare).collect()),
        Value::Null => return Ok(Vec::new()),
        Value::Object(document) => document,
        _ => return Err(no_list(body, &Map::new())),
    };
    let is_envelope = |name: &&&str| {
        document
            .get(**name)
            .is_some_and(|it| it.is_array() || it.is_object())
    };
    match ENVELOPES
        .iter()
        .find(is_envelope)
        .and_then(|name| document.remove(*name))
    {
        Some(Value::Array(rows)) => Ok(rows.into_iter().map(bare).collect()),
        Some(Value::Object(by_code)) => Ok(by_code.into_iter().map(under).collect()),
        _ if document.is_empty() => Err(no_list(body, &document)),
        _ => {
            let is_null = |name: &&str| document.get(*name) == Some(&Value::Null);
            if ENVELOPES.iter().any(is_null) {
                unless_error(&document, Found::Blank)?;
                return Ok(Vec::new());
            }
            unless_error(&document, Found::Part)?;
            Ok(document.into_iter().map(under).collect())
        }
    }
}

/// A row that is a mere code.
fn bare(row: Value) -> Value {
    match row {
        Value::String(code) => json!({"code": code}),
        row => row,
    }
}

/// A row that stands under its code: an object, a description, or a status.
fn under((code, row): (String, Value)) -> Value {
    match row {
        Value::Object(mut row) => {
            row.entry("code").or_insert(Value::String(code));
            row.into()
        }
        Value::String(description) => json!({"code": code, "description": description}),
        Value::Number(status) => json!({"code": code, "status": status}),
        Value::Null => json!({"code": code}),
        other => other,
    }
}
