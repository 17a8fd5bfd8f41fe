//! The catalogue of models: what each takes and gives (protocol reference, section 9).

use serde::{Deserialize, Serialize};

use crate::chat::Modality;
use crate::wire::{Extra, count, lenient, lenient_list};

/// A model of the catalogue. Every field but `id` may be missing, and the catalogue is known to
/// err: never refuse a call because of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Model {
    /// The id to ask for it by, such as `openai/gpt-4o`. Case matters.
    pub id: String,
    /// Its name for people.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// How many tokens a conversation may have.
    #[serde(
        default,
        deserialize_with = "count",
        skip_serializing_if = "Option::is_none"
    )]
    pub context_length: Option<u64>,
    /// Whether it costs nothing.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_free: Option<bool>,
    /// What kind of model it is.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub model_type: Option<Modality>,
    /// What it takes.
    #[serde(
        default,
        deserialize_with = "lenient_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub input_modalities: Vec<Modality>,
    /// What it gives.
    #[serde(
        default,
        deserialize_with = "lenient_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub output_modalities: Vec<Modality>,
    /// Fields that are not modelled here: pricing and capabilities among them.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Model {
    /// Whether it takes pictures.
    pub fn sees(&self) -> Capability {
        Capability::of(&self.input_modalities, &Modality::Image)
    }

    /// Whether it gives pictures.
    pub fn draws(&self) -> Capability {
        Capability::of(&self.output_modalities, &Modality::Image)
    }
}

/// What the catalogue says of an ability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// It says yes.
    Yes,
    /// It says no.
    No,
    /// It does not say.
    Unknown,
}

impl Capability {
    fn of(modalities: &[Modality], wanted: &Modality) -> Self {
        if modalities.is_empty() {
            Self::Unknown
        } else if modalities.contains(wanted) {
            Self::Yes
        } else {
            Self::No
        }
    }
}

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

    /// The models that are known to take pictures.
    pub fn seeing(&self) -> impl Iterator<Item = &Model> {
        self.models
            .iter()
            .filter(|model| model.sees() == Capability::Yes)
    }

    /// The models that are known to give pictures.
    pub fn drawing(&self) -> impl Iterator<Item = &Model> {
        self.models
            .iter()
            .filter(|model| model.draws() == Capability::Yes)
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

/// A row of the catalogue that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OddRow {
    /// Its place in the list, from 0.
    pub place: usize,
    /// What is odd about it; none of the row's own text, which may be anything.
    pub reason: &'static str,
}
