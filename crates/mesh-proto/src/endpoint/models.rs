//! `GET /v1/models` ([protocol reference, section 9](crate::protocol#9-models-catalogue)).

use std::convert::Infallible;
use std::fmt;

use bytes::Bytes;
use http::{Method, Request};
use serde_core::de::{
    Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::document::{DocumentDecoder, check_weight, no_reply, not_json, object};
use super::query::Query;
use super::rows::{ID, oddity, unless_error};
use super::{Endpoint, Replay, json_request};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::chat::Modality;
use crate::error::{DecodeError, Found};
use crate::excerpt::excerpt;
use crate::head::Head;
use crate::limits::Limits;
use crate::models::ModelList;
use crate::row::OddRow;
use crate::target::Target;
use crate::wire::weight;
use crate::wire::{Name, from_text, legible, mended};

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

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        let path = Query::new("/v1/models")
            .with("free", self.free)
            .with("type", &self.model_type)
            .with("provider", &self.provider)
            .into_path();
        json_request(target, Method::GET, path, "application/json", Body::empty())
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        Ok(DocumentDecoder::new(head, limits, (), |body, ()| {
            read(&body)
        }))
    }
}

/// The catalogue: a bare array, or an object with one. Null is an empty one.
fn read(body: &Bytes) -> Result<ModelList, DecodeError> {
    if let Some(what) = not_json(body) {
        return Err(DecodeError::NotJson {
            what,
            excerpt: excerpt(body),
        });
    }
    check_weight(body, weight::CATALOGUE)?;
    let text = legible(body);
    let list = list(&text).or_else(|error| match mended(&text) {
        Some(text) => list(&text),
        None => Err(error),
    });
    let list = list.map_err(|error| no_reply(body, &error))?;
    // No rows beside an error are no catalogue.
    let found = match &list {
        None => Found::Blank,
        Some(list) if list.models.is_empty() && list.odd.is_empty() => Found::Part,
        Some(_) => Found::Whole,
    };
    if found != Found::Whole
        && let Some(document) = object(body)
    {
        unless_error(&document, found)?;
    }
    Ok(list.unwrap_or_default())
}

/// The list, or `None` if it is null. A row that is no model is reported and costs nothing else.
fn list(text: &str) -> Result<Option<ModelList>, serde_json::Error> {
    let rows = if text.trim_ascii_start().starts_with('{') {
        serde_json::from_str(text).map(|Enveloped(rows)| rows)?
    } else {
        serde_json::from_str(text)?
    };
    let rows = match rows {
        Rows::List(rows) => rows,
        Rows::Null => return Ok(None),
        Rows::Other => return Err(serde_json::Error::custom("no list of models")),
    };
    let mut list = ModelList::default();
    // A place for a model is large, and what has no id is none.
    let models = rows.iter().filter(|row| row.get().contains("\"id\""));
    list.models.reserve_exact(models.count());
    for (place, row) in rows.into_iter().enumerate() {
        match from_text(row.get()) {
            Ok(model) => list.models.push(model),
            Err(_) => list.odd.push(OddRow {
                place,
                reason: oddity(&from_text(row.get()).unwrap_or_default(), ID),
            }),
        }
    }
    Ok(Some(list))
}

/// What may be the rows of a catalogue.
enum Rows<'b> {
    List(Vec<&'b RawValue>),
    Null,
    Other,
}

impl<'b> Deserialize<'b> for Rows<'b> {
    fn deserialize<D: Deserializer<'b>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'b> Visitor<'b> for Any {
            type Value = Rows<'b>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of models")
            }

            fn visit_unit<E>(self) -> Result<Rows<'b>, E> {
                Ok(Rows::Null)
            }

            fn visit_seq<A: SeqAccess<'b>>(self, mut items: A) -> Result<Rows<'b>, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = items.next_element()? {
                    rows.push(row);
                }
                Ok(Rows::List(rows))
            }

            fn visit_map<A: MapAccess<'b>>(self, mut fields: A) -> Result<Rows<'b>, A::Error> {
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Rows::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// The rows of an object, under the first of the usual names that has a list.
struct Enveloped<'b>(Rows<'b>);

impl<'b> Deserialize<'b> for Enveloped<'b> {
    fn deserialize<D: Deserializer<'b>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'b> Visitor<'b> for Fields {
            type Value = Enveloped<'b>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a list of models")
            }

            fn visit_map<A: MapAccess<'b>>(self, mut fields: A) -> Result<Enveloped<'b>, A::Error> {
                let mut found = Rows::Other;
                while let Some(Name(name)) = fields.next_key()? {
                    if !["data", "models", "items"].contains(&&*name) {
                        fields.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let rows = fields.next_value()?;
                    if !matches!((&found, &rows), (Rows::List(_), _) | (_, Rows::Other)) {
                        found = rows;
                    }
                }
                Ok(Enveloped(found))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
