//! `GET /v1/models` (protocol reference, section 9).

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request};
use serde_core::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::document::{DocumentDecoder, error_in, no_reply, not_json};
use super::query::Query;
use super::rows::{ID, oddity};
use super::{Endpoint, Replay, json_request};
use crate::body::Body;
use crate::call::Limits;
use crate::chat::Modality;
use crate::error::{BuildError, DecodeError, excerpt};
use crate::head::Head;
use crate::models::{ModelList, OddRow};
use crate::target::Target;
use crate::wire::{from_text, legible, mended, only_field};

/// Asks for the catalogue, or for the part of it that filters leave.
///
/// ```
/// use mesh_proto::chat::Modality;
/// use mesh_proto::endpoint::ListModels;
///
/// let mut list = ListModels::new();
/// list.model_type = Some(Modality::Image);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ListModels {
    /// Only models that cost nothing, or only those that cost something.
    pub free: Option<bool>,
    /// Only models of this kind.
    pub model_type: Option<Modality>,
    /// Only models of this provider.
    pub provider: Option<String>,
}

impl ListModels {
    /// The whole catalogue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only models that cost nothing.
    pub fn free(mut self) -> Self {
        self.free = Some(true);
        self
    }

    /// Only models that cost something.
    pub fn paid(mut self) -> Self {
        self.free = Some(false);
        self
    }
}

impl Endpoint for ListModels {
    type Event = Infallible;
    type Output = ModelList;
    type Decoder = DocumentDecoder<ModelList>;

    fn replay(&self) -> Replay {
        Replay::Always
    }

    #[inline]
    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        let path = Query::new("/v1/models")
            .with("free", self.free)
            .with("type", &self.model_type)
            .with("provider", &self.provider)
            .into_path();
        json_request(target, Method::GET, path, "application/json", Body::empty())
    }

    #[inline]
    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        Ok(DocumentDecoder::new(head, limits, (), |body, ()| {
            read(&body)
        }))
    }
}

/// The catalogue: a bare array, or an object with `data`.
#[inline]
fn read(body: &Bytes) -> Result<ModelList, DecodeError> {
    if let Some(what) = not_json(body) {
        return Err(DecodeError::NotJson {
            what,
            excerpt: excerpt(body),
        });
    }
    let text = legible(body);
    let list = list(&text).or_else(|error| match mended(&text) {
        Some(text) => list(&text),
        None => Err(error),
    });
    let list = list.map_err(|error| no_reply(body, &error))?;
    // No rows beside an error are no catalogue.
    let error = if list.models.is_empty() && list.odd.is_empty() {
        error_in(body)
    } else {
        None
    };
    error.map_or(Ok(list), |error| Err(error.into()))
}

/// A row that is no model is reported and costs nothing else.
#[inline]
fn list(text: &str) -> Result<ModelList, serde_json::Error> {
    let mut list = ModelList::default();
    for (place, row) in raw_rows(text)?.into_iter().enumerate() {
        match from_text(row.get()) {
            Ok(model) => list.models.push(model),
            Err(_) => list.odd.push(OddRow {
                place,
                reason: oddity(&from_text(row.get()).unwrap_or_default(), ID),
            }),
        }
    }
    Ok(list)
}

/// An object that holds the rows under `data`.
struct Enveloped<'b>(Vec<&'b RawValue>);

impl<'b> Deserialize<'b> for Enveloped<'b> {
    fn deserialize<D: Deserializer<'b>>(deserializer: D) -> Result<Self, D::Error> {
        only_field(deserializer, "Enveloped", &["data"]).map(Self)
    }
}

#[inline]
fn raw_rows(text: &str) -> Result<Vec<&RawValue>, serde_json::Error> {
    if text.trim_ascii_start().starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(text).map(|envelope: Enveloped<'_>| envelope.0)
    }
}
