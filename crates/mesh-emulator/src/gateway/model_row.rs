//! A model's row in the catalogue ([protocol reference, section 9](mesh_proto::protocol#9-models-catalogue)).

use serde_json::{Map, Value, json};

use super::models::{Medium, Model, Price, Thinking, decimal};
use super::operation::Operation;
use super::switches::Pricing;

/// Who answers for every model.
pub(super) const PROVIDER: &str = "mesh-emulator";

impl Model {
    /// The row that the catalogue has for it.
    pub(super) fn row(&self, pricing: Pricing) -> Value {
        let names = |media: &[Medium]| media.iter().map(|it| it.name()).collect::<Vec<_>>();
        let mut row = json!({
            "id": self.id,
            "name": self.name,
            "context_length": self.context,
            "context_window": self.context,
            "is_free": self.is_free(),
            "pricing": self.pricing(pricing),
            "model_type": self.kind.name(),
            "input_modalities": names(self.inputs()),
            "output_modalities": names(self.gives),
            "brand": self.brand,
            "provider": PROVIDER,
            "description": "Answered by the emulator, which measures pictures and draws them, and by no model.",
            "is_composite": !self.made_of.is_empty(),
            "composite_models": self.made_of,
            "supports_completions_api": self.writes() || self.draws(),
            "supports_system_prompt": true,
            "supports_structured_output": self.writes(),
            "supports_tools": self.writes(),
            "supports_thinking": self.thinks == Thinking::Told,
            "supports_responses_api": false,
            "supports_realtime": false,
            "supports_embeddings": false,
            "supports_batching": false,
            "supports_video_generation": false,
            "supports_flex": self.is_openai(),
            "supports_image_reference": self.draws() && self.sees(),
        });
        if let Some(row) = row.as_object_mut() {
            for operation in Operation::ALL {
                let name = format!("supports_image_{}", operation.name());
                row.insert(name, self.edits.contains(&operation).into());
            }
        }
        row
    }

    fn pricing(&self, pricing: Pricing) -> Value {
        let per_million = |micro: u64| decimal(u128::from(micro), 6);
        let per_thousand = |micro: u64| decimal(u128::from(micro), 9);
        let fields = match (pricing, self.price) {
            // The oddities are the live catalogue's.
            (Pricing::Current, Price::Free) => json!({
                "pricing_unit": "per_1m_tokens", "input_usd_per_unit": "0E-10", "output_usd_per_unit": "0E-8",
                "request_usd": "None",
            }),
            (Pricing::Current, Price::Tokens(input, output)) => json!({
                "pricing_unit": "per_1m_tokens", "input_usd_per_unit": per_million(input),
                "output_usd_per_unit": per_million(output), "request_usd": null,
            }),
            (Pricing::Current, Price::Picture(each)) => json!({
                "pricing_unit": "per_image", "input_usd_per_unit": "None", "output_usd_per_unit": per_million(each),
                "image_output_usd_per_image": per_million(each), "image_input_usd_per_image": null,
                "image_output_size": "1024x1024", "request_usd": null,
            }),
            (Pricing::Current, Price::Second(each)) => json!({
                "pricing_unit": "per_second", "input_usd_per_unit": null, "output_usd_per_unit": per_million(each),
            }),
            (Pricing::Legacy, Price::Free) => {
                json!({"prompt_usd_per_1k": "0E-10", "completion_usd_per_1k": "0E-8", "image_usd_per_image": "None"})
            }
            (Pricing::Legacy, Price::Tokens(input, output)) => json!({
                "prompt_usd_per_1k": per_thousand(input), "completion_usd_per_1k": per_thousand(output), "image_usd_per_image": null,
            }),
            (Pricing::Legacy, Price::Picture(each)) => json!({
                "prompt_usd_per_1k": "None", "completion_usd_per_1k": "None", "image_usd_per_image": per_million(each),
            }),
            (Pricing::Legacy, Price::Second(_)) => {
                json!({"prompt_usd_per_1k": null, "completion_usd_per_1k": null, "image_usd_per_image": null})
            }
        };
        let mut fields: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
        let discount = Some(self.discount)
            .filter(|it| *it > 0)
            .map(|it| it.to_string());
        fields.insert("discount_pct".to_owned(), discount.into());
        Value::Object(fields)
    }
}
