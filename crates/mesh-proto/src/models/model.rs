//! A row of the catalogue.

use super::feature::{Capability, Feature};
use super::pricing::Pricing;
use crate::chat::Modality;
use crate::row::{row, yes_or_no};

row! {
    /// A model of the catalogue. Every field but `id` may be missing, and the catalogue is known to
    /// err: never refuse a call because of it.
    ///
    /// ```
    /// use mesh_proto::models::{Capability, Feature, Model};
    ///
    /// let model: Model = serde_json::from_str(
    ///     r#"{"id":"openai/gpt-4o","input_modalities":["text","image"],"supports_tools":true,"supports_flex":null}"#,
    /// )?;
    /// assert_eq!(model.sees(), Capability::Yes);
    /// assert_eq!(model.supports(&Feature::Tools), Capability::Yes);
    /// assert_eq!(model.supports(&Feature::Flex), Capability::Unknown);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    pub struct Model [
        /// The id to ask for it by, such as `openai/gpt-4o`. Case matters.
        id: String
    ] {
        /// Its name for people.
        name: Option<String>,
        /// What it is, for people.
        description: Option<String>,
        /// Who makes it, such as `openai`.
        brand: Option<String>,
        /// Who serves it. Deprecated by the gateway in favour of `brand`.
        provider: Option<String>,
        /// What kind of model it is.
        model_type: Option<Modality>,
        /// What it takes.
        input_modalities: Vec<Modality>,
        /// What it gives.
        output_modalities: Vec<Modality>,
        /// How many tokens a conversation may have; see [`Model::context`].
        context_length: Option<u64>,
        /// How many tokens a conversation may have, by its other name.
        context_window: Option<u64>,
        /// Whether it costs nothing.
        is_free: Option<bool>,
        /// What it costs.
        pricing: Option<Pricing>,
        /// How much less it costs the caller, in percent, where the row itself says it; see
        /// [`Model::discount_pct`].
        discount_pct: Option<f64>,
        /// Whether it is made of several models.
        is_composite: Option<bool>,
        /// The ids of those that it is made of.
        composite_models: Vec<String>,
    }
}

impl Model {
    /// Whether it takes pictures.
    pub fn sees(&self) -> Capability {
        self.takes(&Modality::Image)
    }

    /// Whether it gives pictures.
    pub fn draws(&self) -> Capability {
        self.gives(&Modality::Image)
    }

    /// Whether it takes input of this kind.
    pub fn takes(&self, modality: &Modality) -> Capability {
        Capability::among(&self.input_modalities, modality)
    }

    /// Whether it gives output of this kind.
    pub fn gives(&self, modality: &Modality) -> Capability {
        Capability::among(&self.output_modalities, modality)
    }

    /// Whether it has this ability. A system prompt counts as heeded where nothing is said (protocol
    /// reference, section 9).
    #[inline]
    pub fn supports(&self, feature: &Feature) -> Capability {
        let said = self
            .extra
            .get(&format!("supports_{feature}"))
            .and_then(yes_or_no);
        match (said, feature) {
            (None, Feature::SystemPrompt) => Capability::Yes,
            (said, _) => said.into(),
        }
    }

    /// The abilities of which the catalogue says yes or no, those that are not known here among
    /// them.
    pub fn features(&self) -> impl Iterator<Item = (Feature, Capability)> + '_ {
        self.extra.iter().filter_map(|(name, value)| {
            let feature = name.strip_prefix("supports_")?;
            Some((feature.into(), Some(yes_or_no(value)?).into()))
        })
    }

    /// How many tokens a conversation may have, whichever field says it; none where it is 0.
    pub fn context(&self) -> Option<u64> {
        self.context_length
            .or(self.context_window)
            .filter(|tokens| *tokens > 0)
    }

    /// How much less it costs the caller, in percent, wherever the row says it.
    pub fn discount_pct(&self) -> Option<f64> {
        self.discount_pct
            .or_else(|| self.pricing.as_ref()?.discount_pct)
    }

    /// Who makes it: `brand`, or what stands before the slash of its id.
    #[inline]
    pub fn maker(&self) -> Option<&str> {
        self.brand
            .as_deref()
            .or_else(|| Some(self.id.split_once('/')?.0))
    }
}
