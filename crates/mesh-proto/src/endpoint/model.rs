//! `GET /v1/models/{id}` ([protocol reference, section 3](crate::protocol#3-endpoints-in-scope) and [section 9](crate::protocol#9-models-catalogue)).

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request};
use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::document::{DocumentDecoder, object, parse};
use super::query::VALUE;
use super::{Endpoint, Replay, json_request};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::error::DecodeError;
use crate::head::Head;
use crate::limits::Limits;
use crate::models::Model;
use crate::target::Target;

/// Asks for one model of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetModel {
    id: String,
}

impl GetModel {
    /// The model of this id, such as `openai/gpt-4o`. Case matters.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}

/// What a segment of a path may hold unescaped beyond the unreserved characters (RFC 3986, section
/// 3.3), as far as ids use it: `meta-llama/llama-3.2:free`.
const SEGMENT: &AsciiSet = &VALUE.remove(b':').remove(b'@');

/// An id as part of a path: its slashes stay, everything else is escaped by segment.
///
/// Errors on segments that a server would take for a place elsewhere.
fn escape(id: &str) -> Result<String, BuildError> {
    let mut path = String::new();
    for segment in id.split('/') {
        if matches!(segment, "" | "." | "..") {
            return Err(BuildError::invalid(
                "id",
                format!(
                    "{:?} is no id of a model",
                    crate::excerpt::excerpt(id.as_bytes())
                ),
            ));
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    Ok(path)
}

impl Endpoint for GetModel {
    type Event = Infallible;
    type Output = Model;
    type Decoder = DocumentDecoder<Model>;

    fn replay(&self) -> Replay {
        Replay::Always
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        let path = format!("/v1/models{}", escape(&self.id)?);
        json_request(target, Method::GET, path, "application/json", Body::empty())
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        Ok(DocumentDecoder::new(head, limits, (), |body, ()| {
            read(&body)
        }))
    }
}

/// The row, bare or in an envelope.
fn read(body: &Bytes) -> Result<Model, DecodeError> {
    parse(body).or_else(|error| {
        let envelope = object(body);
        let row = envelope.and_then(|mut envelope| envelope.remove("data"));
        row.and_then(|row| serde_json::from_value(row).ok())
            .ok_or(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::ApiKey;

    fn path(id: &str) -> Option<String> {
        let target = Target::production(ApiKey::new("rsk_1").unwrap());
        let request = GetModel::new(id).request(&target).ok()?;
        Some(request.uri().path_and_query()?.as_str().to_owned())
    }

    #[test]
    fn slashes_stay_and_everything_else_is_escaped() {
        for (id, expected) in [
            ("openai/gpt-4o", "/v1/models/openai/gpt-4o"),
            (
                "meta-llama/llama-3.2:free",
                "/v1/models/meta-llama/llama-3.2:free",
            ),
            ("gemma-3-27b-it", "/v1/models/gemma-3-27b-it"),
            ("a b/c?d#e%f", "/v1/models/a%20b/c%3Fd%23e%25f"),
            ("a\r\nb/\u{e4}", "/v1/models/a%0D%0Ab/%C3%A4"),
            ("..a/b..", "/v1/models/..a/b.."),
        ] {
            assert_eq!(path(id).as_deref(), Some(expected), "{id:?}");
        }
    }

    #[test]
    fn ids_that_lead_elsewhere_are_refused() {
        for id in ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/./b"] {
            assert_eq!(path(id), None, "{id:?}");
        }
    }
}
