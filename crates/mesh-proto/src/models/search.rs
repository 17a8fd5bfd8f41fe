//! What to search the catalogue for ([protocol reference, section 9](crate::protocol#9-models-catalogue)).

use crate::build_error::BuildError;
use crate::chat::Modality;
use crate::open_enum::open_enum;

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

    /// Returns an error if the search breaks a rule of the gateway.
    pub(crate) fn validate(&self) -> Result<(), BuildError> {
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
