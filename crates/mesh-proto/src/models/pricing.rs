//! What a model costs.

use serde_json::Value;

use crate::open_enum::open_enum;
use crate::row::{Field, open_field, row};
use crate::usd::Usd;

open_enum! {
    /// What a price is for.
    pub enum PricingUnit {
        /// A million tokens.
        Per1mTokens = "per_1m_tokens",
        /// A picture.
        PerImage = "per_image",
        /// A second.
        PerSecond = "per_second",
        /// A thousand characters.
        Per1kChars = "per_1k_chars",
        /// A video.
        PerVideo = "per_video",
        /// An hour.
        PerHour = "per_hour",
    }
}

open_field!(PricingUnit);

row! {
    /// What a model costs, in the fields of today and in the retired ones, which were still on the
    /// wire in May 2026. What the catalogue does not know is `None`.
    ///
    /// ```
    /// use mesh_proto::models::Pricing;
    ///
    /// let pricing: Pricing = serde_json::from_str(r#"{"prompt_usd_per_1k":"0.0025","completion_usd_per_1k":"None"}"#)?;
    /// assert_eq!(pricing.input_per_million().map(|it| it.to_string()).as_deref(), Some("2.5"));
    /// assert_eq!(pricing.output_per_million(), None);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Pricing {
        /// What `input_usd_per_unit` and `output_usd_per_unit` are for.
        pricing_unit: Option<PricingUnit>,
        /// What goes in, per unit.
        input_usd_per_unit: Option<Usd>,
        /// What comes out, per unit.
        output_usd_per_unit: Option<Usd>,
        /// A picture that goes in.
        image_input_usd_per_image: Option<Usd>,
        /// A picture that comes out; see [`Pricing::output_per_image`].
        image_output_usd_per_image: Option<Usd>,
        /// The size of picture that `image_output_usd_per_image` is for.
        image_output_size: Option<String>,
        /// Each request.
        request_usd: Option<Usd>,
        /// Retired: a thousand tokens that go in.
        prompt_usd_per_1k: Option<Usd> = "prompt_usd_per_1k" | "input_usd_per_1k",
        /// Retired: a thousand tokens that come out.
        completion_usd_per_1k: Option<Usd> = "completion_usd_per_1k" | "output_usd_per_1k",
        /// Retired: a picture.
        image_usd_per_image: Option<Usd>,
        /// How much less the caller pays, in percent. Whether the prices are before it or after it
        /// is not documented.
        discount_pct: Option<f64>,
    }
}

impl Pricing {
    /// A million tokens that go in, whichever field says it.
    pub fn input_per_million(&self) -> Option<Usd> {
        self.per(&PricingUnit::Per1mTokens, self.input_usd_per_unit.as_ref())
            .or_else(|| Some(self.prompt_usd_per_1k.as_ref()?.times_ten_to(3)))
    }

    /// A million tokens that come out, whichever field says it.
    pub fn output_per_million(&self) -> Option<Usd> {
        self.per(&PricingUnit::Per1mTokens, self.output_usd_per_unit.as_ref())
            .or_else(|| Some(self.completion_usd_per_1k.as_ref()?.times_ten_to(3)))
    }

    /// A picture that comes out, whichever field says it.
    pub fn output_per_image(&self) -> Option<Usd> {
        self.image_output_usd_per_image
            .clone()
            .or_else(|| self.per(&PricingUnit::PerImage, self.output_usd_per_unit.as_ref()))
            .or_else(|| self.image_usd_per_image.clone())
    }

    /// A picture that goes in, whichever field says it.
    pub fn input_per_image(&self) -> Option<Usd> {
        self.image_input_usd_per_image
            .clone()
            .or_else(|| self.per(&PricingUnit::PerImage, self.input_usd_per_unit.as_ref()))
    }

    fn per(&self, unit: &PricingUnit, price: Option<&Usd>) -> Option<Usd> {
        price
            .filter(|_| self.pricing_unit.as_ref() == Some(unit))
            .cloned()
    }
}

impl Field for Option<Pricing> {
    fn read(value: &Value) -> Option<Self> {
        serde_json::from_value(value.clone()).ok().map(Some)
    }

    fn write(&self) -> Option<Value> {
        serde_json::to_value(self.as_ref()?).ok()
    }
}
