//! A page of what a search finds.

use serde_json::Value;

use super::model::Model;
use crate::row::OddRow;
use crate::wire::Extra;

/// A page of the models that a search finds ([protocol reference, section 9](crate::protocol#9-models-catalogue)). Every field but the
/// models may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ModelPage {
    /// The models, in the order that was asked for.
    pub items: Vec<Model>,
    /// Rows that could not be read; their places are those within the page.
    pub odd: Vec<OddRow>,
    /// How many models the search finds on all pages.
    pub total: Option<u64>,
    /// How many rows a page may have.
    pub limit: Option<u64>,
    /// How many rows stand before this page.
    pub offset: Option<u64>,
    /// The brands of what the search finds.
    pub brands: Vec<String>,
    /// What the search could be narrowed by, as it came.
    pub facets: Option<Value>,
    /// Fields that are not modelled here.
    pub extra: Extra,
}

impl ModelPage {
    /// The models, in the order that was asked for.
    pub fn iter(&self) -> std::slice::Iter<'_, Model> {
        self.items.iter()
    }

    /// How many rows the page has, odd ones included.
    pub fn rows(&self) -> usize {
        self.items.len() + self.odd.len()
    }
}

impl<'p> IntoIterator for &'p ModelPage {
    type Item = &'p Model;
    type IntoIter = std::slice::Iter<'p, Model>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
