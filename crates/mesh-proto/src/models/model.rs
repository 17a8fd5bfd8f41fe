//! A row of the catalogue.

use std::borrow::Cow;

use serde_json::Value;

use super::feature::{Capability, Feature};
use super::pricing::Pricing;
use crate::chat::Modality;
use crate::row::{Field, row, yes_or_no};

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
        /// What it takes; see [`Model::inputs`].
        input_modalities: Vec<Modality>,
        /// What it gives; see [`Model::outputs`].
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
        Capability::among(&self.inputs(), modality)
    }

    /// Whether it gives output of this kind.
    pub fn gives(&self, modality: &Modality) -> Capability {
        Capability::among(&self.outputs(), modality)
    }

    /// What it takes, wherever the row says it: `input_modalities`, or `architecture`, where other
    /// catalogues have it. Empty where nothing is said.
    pub fn inputs(&self) -> Cow<'_, [Modality]> {
        said(&self.input_modalities, || {
            self.architecture("input_modalities", Side::Takes)
        })
    }

    /// What it gives, wherever the row says it: `output_modalities`, or `architecture`, where other
    /// catalogues have it. Empty where nothing is said.
    pub fn outputs(&self) -> Cow<'_, [Modality]> {
        said(&self.output_modalities, || {
            self.architecture("output_modalities", Side::Gives)
        })
    }

    /// What `architecture` says: a list, or else its side of a text such as `text+image->text`.
    fn architecture(&self, list: &str, side: Side) -> Vec<Modality> {
        let Some(architecture) = self.extra.get("architecture") else {
            return Vec::new();
        };
        let listed = architecture.get(list).and_then(Vec::<Modality>::read);
        if let Some(listed) = listed.filter(|listed| !listed.is_empty()) {
            return listed;
        }
        let text = architecture.get("modality").and_then(Value::as_str);
        let Some((takes, gives)) = text.and_then(|text| text.split_once("->")) else {
            return Vec::new();
        };
        let listed = match side {
            Side::Takes => takes,
            Side::Gives => gives,
        };
        listed
            .split('+')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(Modality::from)
            .collect()
    }

    /// Whether it has this ability. A system prompt counts as heeded where nothing is said ([protocol
    /// reference, section 9](crate::protocol#9-models-catalogue)).
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
    pub fn maker(&self) -> Option<&str> {
        self.brand
            .as_deref()
            .or_else(|| Some(self.id.split_once('/')?.0))
    }
}

#[derive(Clone, Copy)]
enum Side {
    Takes,
    Gives,
}

fn said(here: &[Modality], elsewhere: impl FnOnce() -> Vec<Modality>) -> Cow<'_, [Modality]> {
    if here.is_empty() {
        Cow::Owned(elsewhere())
    } else {
        Cow::Borrowed(here)
    }
}
