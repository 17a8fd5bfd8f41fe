//! `GET /v1/models/search` ([protocol reference, section 9](crate::protocol#9-models-catalogue)).

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request};

use super::document::DocumentDecoder;
use super::query::Query;
use super::{Endpoint, Replay, json_request, rows};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::error::DecodeError;
use crate::head::Head;
use crate::limits::Limits;
use crate::models::{ModelPage, SearchModels};
use crate::row::take;
use crate::target::Target;
use crate::wire::Extra;

impl Endpoint for SearchModels {
    type Event = Infallible;
    type Output = ModelPage;
    type Decoder = DocumentDecoder<ModelPage>;

    fn replay(&self) -> Replay {
        Replay::Always
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        self.validate()?;
        let path = Query::new("/v1/models/search")
            .with("q", &self.q)
            .with("free", self.free)
            .with("discounted", self.discounted)
            .with("input_modality", &self.input_modalities)
            .with("output_modality", &self.output_modalities)
            .with("brand", &self.brands)
            .with("sort", &self.sort)
            .with("order", &self.order)
            .with("limit", self.limit)
            .with("offset", self.offset)
            .into_path();
        json_request(target, Method::GET, path, "application/json", Body::empty())
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        Ok(DocumentDecoder::new(head, limits, (), |body, ()| {
            read(&body)
        }))
    }
}

/// A page, or a bare list, which is a page that says nothing of others.
fn read(body: &Bytes) -> Result<ModelPage, DecodeError> {
    let (items, mut page) = rows::list(body, &["items", "data", "models"])?;
    let (items, odd) = rows::read(items, rows::ID);
    Ok(ModelPage {
        items,
        odd,
        total: take(&mut page, &["total"]),
        limit: take(&mut page, &["limit"]),
        offset: take(&mut page, &["offset"]),
        brands: take(&mut page, &["brands"]),
        facets: take(&mut page, &["facets"]),
        extra: Extra(page),
    })
}
