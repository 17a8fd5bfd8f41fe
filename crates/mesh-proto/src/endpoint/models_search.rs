//! `GET /v1/models/search` (protocol reference, section 9).

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request};

use super::document::DocumentDecoder;
use super::query::Query;
use super::{Endpoint, Replay, json_request, rows};
use crate::body::Body;
use crate::call::Limits;
use crate::chat::Modality;
use crate::error::{BuildError, DecodeError};
use crate::head::Head;
use crate::models::ModelPage;
use crate::open_enum::open_enum;
use crate::row::take;
use crate::target::Target;
use crate::wire::Extra;

open_enum! {
    /// What found models are sorted by.
    pub enum SearchSort {
        /// Who makes them.
        Brand = "brand",
        /// Their names.
        Name = "name",
        /// Their ids.
        Id = "id",
        /// How many tokens a conversation may have.
        ContextLength = "context_length",
        /// What they cost.
        Price = "price",
    }
}

open_enum! {
    /// Which way found models are sorted.
    pub enum SearchOrder {
        /// The least first.
        Ascending = "asc",
        /// The most first.
        Descending = "desc",
    }
}

/// Asks for one page of the models that meet every condition. For all pages, see
/// [`Pages`](crate::models::Pages).
///
/// ```
/// use mesh_proto::chat::Modality;
/// use mesh_proto::endpoint::{SearchModels, SearchSort};
///
/// let mut search = SearchModels::new().free().takes(Modality::Image).gives(Modality::Text);
/// search.sort = Some(SearchSort::Price);
/// search.limit = Some(20);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchModels {
    /// Words to look for.
    pub q: Option<String>,
    /// Only models that cost nothing, or only those that cost something.
    pub free: Option<bool>,
    /// Only models that cost the caller less than others, or only those that do not.
    pub discounted: Option<bool>,
    /// Only models that take this; of several, the gateway says how they combine.
    pub input_modalities: Vec<Modality>,
    /// Only models that give this; of several, the gateway says how they combine.
    pub output_modalities: Vec<Modality>,
    /// Only models of one of these makers.
    pub brands: Vec<String>,
    /// What to sort by. [`SearchSort::Price`] needs exactly one output: text, image or video.
    pub sort: Option<SearchSort>,
    /// Which way to sort.
    pub order: Option<SearchOrder>,
    /// How many models a page shall have, at least 1.
    pub limit: Option<u32>,
    /// How many models to leave out at the front.
    pub offset: Option<u64>,
}

impl SearchModels {
    /// A search for every model.
    pub fn new() -> Self {
        Self::default()
    }

    /// A search for words.
    pub fn words(words: impl Into<String>) -> Self {
        Self {
            q: Some(words.into()),
            ..Self::default()
        }
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

    /// Only models that take this.
    pub fn takes(mut self, modality: Modality) -> Self {
        self.input_modalities.push(modality);
        self
    }

    /// Only models that give this.
    pub fn gives(mut self, modality: Modality) -> Self {
        self.output_modalities.push(modality);
        self
    }

    /// Only models of this maker, or of another that is named so too.
    pub fn brand(mut self, brand: impl Into<String>) -> Self {
        self.brands.push(brand.into());
        self
    }

    #[inline]
    fn validate(&self) -> Result<(), BuildError> {
        let priced = [Modality::Text, Modality::Image, Modality::Video];
        if self.sort == Some(SearchSort::Price)
            && !matches!(self.output_modalities.as_slice(), [one] if priced.contains(one))
        {
            return Err(BuildError::invalid(
                "sort",
                "by price needs exactly one output_modality: text, image or video",
            ));
        }
        if self.limit == Some(0) {
            return Err(BuildError::invalid("limit", "0 is not at least 1"));
        }
        Ok(())
    }
}

impl Endpoint for SearchModels {
    type Event = Infallible;
    type Output = ModelPage;
    type Decoder = DocumentDecoder<ModelPage>;

    fn replay(&self) -> Replay {
        Replay::Always
    }

    #[inline]
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

    #[inline]
    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        Ok(DocumentDecoder::new(head, limits, (), |body, ()| {
            read(&body)
        }))
    }
}

/// A page, or a bare list, which is a page that says nothing of others.
#[inline]
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
