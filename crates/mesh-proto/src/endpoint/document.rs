//! A reply that is one document.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;

use bytes::{Bytes, BytesMut};
use http::header;
use serde_core::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::frame::{Beginning, beginning};
use super::{Decode, Decoded};
use crate::error::{DecodeError, error_in_body};
use crate::excerpt::excerpt;
use crate::head::Head;
use crate::limits::Limits;
use crate::wire::weight::{self, Allowance};
use crate::wire::{from_body, from_text, legible, mended, without_mark};

/// Collects a body, sized from its `Content-Length`, and reads it at its end.
pub struct DocumentDecoder<T, C = ()> {
    body: Collected,
    context: Option<C>,
    read: fn(Bytes, C) -> Result<T, DecodeError>,
    check: fn(&T) -> Result<(), DecodeError>,
    /// A reply that did not pass the check.
    unfit: Option<T>,
}

impl<T, C> DocumentDecoder<T, C> {
    /// A decoder for the body that follows `head`, of at most `limits.reply` bytes, which `read`
    /// reads together with `context`, once and whole.
    pub fn new(
        head: &Head,
        limits: &Limits,
        context: C,
        read: fn(Bytes, C) -> Result<T, DecodeError>,
    ) -> Self {
        Self {
            body: Collected::new(head, limits),
            context: Some(context),
            read,
            check: |_| Ok(()),
            unfit: None,
        }
    }

    /// The same, of a reply that has to pass `check`; what does not is kept as what there is.
    pub(super) fn checked(self, check: fn(&T) -> Result<(), DecodeError>) -> Self {
        Self { check, ..self }
    }
}

impl<T: DeserializeOwned> DocumentDecoder<T> {
    /// A decoder for a body that is JSON of a `T`, or an error in its place.
    pub fn json(head: &Head, limits: &Limits) -> Self {
        Self::new(head, limits, (), |body, ()| parse(&body))
    }
}

impl<T, C> Decode for DocumentDecoder<T, C> {
    type Event = Infallible;
    type Output = T;

    fn push(&mut self, chunk: Bytes) -> Result<(), DecodeError> {
        self.body.push(chunk)
    }

    fn end(&mut self) {}

    fn next(&mut self) -> Result<Decoded<Infallible>, DecodeError> {
        Ok(Decoded::Starved)
    }

    fn finish(&mut self) -> Result<T, DecodeError> {
        let context = self.context.take().ok_or(DecodeError::Truncated)?;
        let value = (self.read)(self.body.take(), context)?;
        match (self.check)(&value) {
            Ok(()) => Ok(value),
            Err(error) => {
                self.unfit = Some(value);
                Err(error)
            }
        }
    }

    fn partial(&mut self) -> Option<T> {
        self.unfit.take()
    }
}

impl<T, C> fmt::Debug for DocumentDecoder<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentDecoder")
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// The body of a success as `T`. What is not JSON at all is named; an error envelope is the error
/// that it is, unless the document also reads as `T`.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, DecodeError> {
    parse_within(body, weight::REPLY)
}

/// The same of a body that may take as much as `allowance` says.
pub(super) fn parse_within<T: DeserializeOwned>(
    body: &Bytes,
    allowance: Allowance,
) -> Result<T, DecodeError> {
    if let Some(what) = not_json(body) {
        return Err(DecodeError::NotJson {
            what,
            excerpt: excerpt(body),
        });
    }
    check_weight(body, allowance)?;
    from_body(body).map_err(|error| no_reply(body, &error))
}

/// Fails if a text takes far more memory than its length once it is read.
pub(super) fn check_weight(text: &[u8], allowance: Allowance) -> Result<(), DecodeError> {
    match weight::exceeded(text, allowance) {
        Some(limit) => Err(DecodeError::TooLarge {
            what: "parsed reply",
            limit,
        }),
        None => Ok(()),
    }
}

/// Why a body is no reply: it is an error, it is cut off, or it is something else.
pub(super) fn no_reply(body: &[u8], error: &serde_json::Error) -> DecodeError {
    match error_in_body(body) {
        Some(error) => error.into(),
        None if error.is_eof() => DecodeError::Truncated,
        None => DecodeError::json(error, body),
    }
}

/// The object that a body is. Of one that takes far more memory than its length, the lists and
/// objects that do are left empty: an error is not among them.
pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let text = legible(body);
    if check_weight(text.as_bytes(), weight::ENVELOPE).is_ok() {
        return from_text(&text).ok();
    }
    let text = mended(&text).map_or(text, Cow::Owned);
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(&text).ok()?;
    let fields = fields.into_iter().map(|(name, value)| {
        let text = value.get();
        let value = match check_weight(text.as_bytes(), weight::ENVELOPE) {
            Ok(()) => serde_json::from_str(text).unwrap_or_default(),
            Err(_) if text.starts_with('[') => Value::Array(Vec::new()),
            Err(_) => Value::Object(Map::new()),
        };
        (name, value)
    });
    Some(fields.collect())
}

/// What a body is that plainly is not JSON, in words.
pub(super) fn not_json(body: &[u8]) -> Option<&'static str> {
    let text = without_mark(body).trim_ascii_start();
    match text.first() {
        None => Some("an empty body"),
        Some(b'<') => Some("HTML or XML"),
        Some(_) if beginning(text) == Beginning::Events => Some("an event stream"),
        Some(_) => None,
    }
}

/// A body as it is being collected.
pub(super) struct Collected {
    /// A body that came in one piece is kept as that piece.
    first: Bytes,
    rest: BytesMut,
    expected: usize,
    limit: usize,
}

impl Collected {
    pub(super) fn new(head: &Head, limits: &Limits) -> Self {
        let expected = head
            .header(header::CONTENT_LENGTH)
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        Self {
            first: Bytes::new(),
            rest: BytesMut::new(),
            expected,
            limit: limits.reply,
        }
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), DecodeError> {
        let had = self.first.len() + self.rest.len();
        if chunk.len() > self.limit.saturating_sub(had) || (had == 0 && self.expected > self.limit)
        {
            return Err(DecodeError::TooLarge {
                what: "reply",
                limit: self.limit,
            });
        }
        if had == 0 {
            self.first = chunk;
            return Ok(());
        }
        if self.rest.is_empty() {
            let whole = self.expected.min(self.limit).max(had + chunk.len());
            self.rest.reserve(whole);
            self.rest
                .extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.rest.extend_from_slice(&chunk);
        Ok(())
    }

    pub(super) fn take(&mut self) -> Bytes {
        if self.rest.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            self.rest.split().freeze()
        }
    }
}

impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.first.len() + self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json_is_named() {
        for opening in [
            "data: {}",
            "event: x",
            ": ping",
            "id: 1",
            "retry:1",
            "\u{feff}: ping",
        ] {
            assert_eq!(not_json(opening.as_bytes()), Some("an event stream"));
        }
        assert_eq!(not_json(b" <html>"), Some("HTML or XML"));
        assert_eq!(not_json(b"\n"), Some("an empty body"));
        assert_eq!(not_json("\u{feff}\n".as_bytes()), Some("an empty body"));
        assert_eq!(not_json(b"identity"), None);
    }
}
