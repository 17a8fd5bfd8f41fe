//! The catalogue as a list.

use super::feature::{Capability, Feature};
use super::model::Model;
use crate::row::OddRow;

/// The catalogue, and the rows of it that are no models.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ModelList {
    /// The models, in the gateway's order.
    pub models: Vec<Model>,
    /// Rows that could not be read.
    pub odd: Vec<OddRow>,
}

impl ModelList {
    /// The models, in the gateway's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Model> {
        self.models.iter()
    }

    /// The model with this id. Case matters.
    pub fn get(&self, id: &str) -> Option<&Model> {
        self.iter().find(|model| model.id == id)
    }

    /// The models that are known to take pictures.
    pub fn seeing(&self) -> impl Iterator<Item = &Model> {
        self.iter().filter(|model| model.sees() == Capability::Yes)
    }

    /// The models that are known to give pictures.
    pub fn drawing(&self) -> impl Iterator<Item = &Model> {
        self.iter().filter(|model| model.draws() == Capability::Yes)
    }

    /// The models that are known to have this ability.
    pub fn supporting(&self, feature: &Feature) -> impl Iterator<Item = &Model> {
        self.iter()
            .filter(move |model| model.supports(feature) == Capability::Yes)
    }
}

impl<'l> IntoIterator for &'l ModelList {
    type Item = &'l Model;
    type IntoIter = std::slice::Iter<'l, Model>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for ModelList {
    type Item = Model;
    type IntoIter = std::vec::IntoIter<Model>;

    fn into_iter(self) -> Self::IntoIter {
        self.models.into_iter()
    }
}
